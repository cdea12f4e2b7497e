using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Http;

public sealed class EnvelopeTests
{
    [Theory]
    [InlineData("GET", "/api", 404, "NOT_FOUND", null)]
    [InlineData("GET", "/api/nothing/here", 404, "NOT_FOUND", null)]
    [InlineData("POST", "/api/license/nothing", 404, "NOT_FOUND", null)]
    [InlineData("DELETE", "/api/license/verify", 405, "METHOD_NOT_ALLOWED", "GET, HEAD, POST")]
    [InlineData("PUT", "/api/license/verify", 405, "METHOD_NOT_ALLOWED", "GET, HEAD, POST")]
    [InlineData("OPTIONS", "/api/license/verify", 405, "METHOD_NOT_ALLOWED", "GET, HEAD, POST")]
    [InlineData("GET", "/api/license/download", 405, "METHOD_NOT_ALLOWED", "POST")]
    [InlineData("HEAD", "/api/license/download", 405, "METHOD_NOT_ALLOWED", "POST")]
    [InlineData("POST", "/api/license/download-file/abc", 405, "METHOD_NOT_ALLOWED", "GET, HEAD")]
    [InlineData("GET", "/api/license/download-file/abc", 404, "INVALID_DOWNLOAD_TOKEN", null)]
    [InlineData("GET", "/api/license/download-file/", 404, "NOT_FOUND", null)]
    [InlineData("GET", "/api/license/download-file/abc/x.zip", 404, "INVALID_DOWNLOAD_TOKEN", null)]
    [InlineData("GET", "/api/license/download-file/%0d%0a%1b", 404, "INVALID_DOWNLOAD_TOKEN", null)]
    public async Task Every_failure_under_api_has_the_envelope(string method, string path, int status, string code, string? allow)
    {
        await using var server = await TestServer.Run();
        var reply = await server.Http.Read(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.Equal((status, code), (reply.Status, reply.Code));
        Assert.Equal("application/json", reply.Header("Content-Type"));
        Assert.Equal(allow, reply.Header("Allow"));
        AssertCommonHeaders(reply);
        if (method == "HEAD") return;
        Assert.Equal(["success", "message", "error_code"], reply.Json.EnumerateObject().Select(p => p.Name));
        Assert.False(reply.Json.GetProperty("success").GetBoolean());
        Assert.Equal(code, reply.Json.GetProperty("error_code").GetString());
    }

    /// <summary>Methods have a case: this one is no HEAD to the framework below, which waits for the body that was announced.</summary>
    [Theory]
    [InlineData("/livez")]
    [InlineData("/nothing")]
    [InlineData("/admin/sign-in")]
    [InlineData("/openapi/license.json")]
    [InlineData("/api/license/update")]
    [InlineData("/api/license/download-file/abc")]
    public async Task A_head_that_is_spelled_otherwise_is_405(string path)
    {
        await using var server = await TestServer.Run();
        foreach (var method in (string[])["Head", "hEAD", "head"])
        {
            var answer = await RawHttp.Send(server.Port, $"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 405 ", answer);
            Assert.Contains("Allow: GET, HEAD\r\n", answer);
            Assert.EndsWith("\"error_code\":\"METHOD_NOT_ALLOWED\"}", answer);
        }
    }

    static void AssertCommonHeaders(Reply reply)
    {
        Assert.Equal("no-store, private", reply.Header("Cache-Control"));
        Assert.Equal("no-cache", reply.Header("Pragma"));
        Assert.Equal("nosniff", reply.Header("X-Content-Type-Options"));
        Assert.Equal("no-referrer", reply.Header("Referrer-Policy"));
        Assert.Matches("^[0-9A-Z]{13}:[0-9A-F]{8}$", reply.Header("X-Request-ID"));
        Assert.Null(reply.Header("Server"));
    }

    [Fact]
    public async Task A_success_has_the_common_headers_too()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.Publish(1, [1, 2, 3]);
        AssertCommonHeaders(await server.Http.Verify(license.LicenseKey, "example.com", 1));
        AssertCommonHeaders(await server.Http.Mint(license.LicenseKey, "example.com", 1));
        AssertCommonHeaders(await server.Http.Get(await server.Http.MintPathOf(license.LicenseKey!, "example.com", 1)));
    }

    [Theory]
    [InlineData("abc-123_x.Y", true)]
    [InlineData("x123456789012345678901234567890123456789012345678901234567890123", true)]
    [InlineData("01234567890123456789012345678901234567890123456789012345678901234", false)]
    [InlineData("has space", false)]
    [InlineData("<script>", false)]
    [InlineData("a\u001b[31m", false)]
    public async Task A_sane_request_id_is_kept_and_any_other_replaced(string id, bool kept)
    {
        await using var server = await TestServer.Run();
        var raw = await RawHttp.Send(server.Port, $"GET /api/x HTTP/1.1\r\nHost: h\r\nX-Request-ID: {id}\r\nConnection: close\r\n\r\n");
        if (raw.StartsWith("HTTP/1.1 400", StringComparison.Ordinal)) Assert.False(kept);
        else Assert.Equal(kept, raw.Contains($"X-Request-ID: {id}\r\n"));
    }

    [Fact]
    public async Task Only_a_client_that_asks_for_a_problem_gets_one()
    {
        await using var server = await TestServer.Run();
        var problem = await server.Http.Get(Ask.VerifyPath, ("Accept", "text/html, application/problem+json;q=0.9"));
        Assert.Equal("application/problem+json", problem.Header("Content-Type"));
        Assert.Equal(401, problem.Status);
        var json = problem.Json;
        Assert.Equal("about:blank", json.GetProperty("type").GetString());
        Assert.Equal("Unauthorized", json.GetProperty("title").GetString());
        Assert.Equal(401, json.GetProperty("status").GetInt32());
        Assert.Equal("Authorization header missing", json.GetProperty("detail").GetString());
        Assert.Equal("MISSING_AUTHORIZATION", json.GetProperty("error_code").GetString());
        Assert.Equal("MISSING_AUTHORIZATION", problem.Code);
        foreach (var accept in new[] { "*/*", "application/json", "text/html" })
        {
            Assert.Equal("application/json", (await server.Http.Get(Ask.VerifyPath, ("Accept", accept))).Header("Content-Type"));
        }
    }

    [Fact]
    public async Task What_nobody_foresaw_is_500_without_a_word_about_the_inside()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.WithDb(db => db.Database.CurrentTransaction);
        using (var connection = server.Data.Database.Open()) Data.Database.Execute(connection, "ALTER TABLE licenses RENAME COLUMN max_domains TO gone");
        var reply = await server.Http.Verify(license.LicenseKey, "example.com", 1);
        Assert.Equal("{\"success\":false,\"message\":\"Internal error\",\"error_code\":\"INTERNAL_ERROR\"}", reply.Text);
        Assert.Equal(500, reply.Status);
        Assert.Contains(server.Log.Lines, line => line.Contains(reply.Header("X-Request-ID")!, StringComparison.Ordinal) && line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Database", "Sqlite")]
    public async Task A_database_that_cannot_be_read_is_503_with_retry_after_and_never_an_invalid_license()
    {
        var directory = TempDirectory.Make();
        var before = await TestServer.Run(directory, null);
        var license = before.Issue(before.AddProduct().Id, "example.com");
        await before.Stop();

        await using var server = await TestServer.Run(directory, null);
        long offset;
        using (var connection = server.Data.Database.Open())
        {
            offset = 4096 * (Data.Database.Scalar<long>(connection, "SELECT rootpage FROM sqlite_master WHERE name = 'IX_licenses_key_hash'") - 1);
        }

        using var file = File.Open(server.Database(), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var page = new byte[4096];
        RandomAccess.Read(file.SafeFileHandle, page, offset);
        RandomAccess.Write(file.SafeFileHandle, Enumerable.Repeat((byte)0xff, 4096).ToArray(), offset);
        server.AddProduct("Another", "OTHER");
        var reply = await server.Http.Verify(license.LicenseKey, "example.com", 1);
        RandomAccess.Write(file.SafeFileHandle, page, offset);
        Assert.Equal((503, "SERVICE_UNAVAILABLE"), (reply.Status, reply.Code));
        Assert.Equal("5", reply.Header("Retry-After"));
        Assert.Equal(200, (await server.Http.Verify(license.LicenseKey, "example.com", 1)).Status);
    }

    [Fact]
    public async Task Each_refusal_is_logged_with_its_reason_request_license_and_domain_but_no_key()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        var reply = await server.Http.Verify(license.LicenseKey, "https://WWW.Evil.com/", 1);
        var line = Assert.Single(server.Log.Lines, l => l.Contains(reply.Header("X-Request-ID")!, StringComparison.Ordinal));
        Assert.Contains("DOMAIN_MISMATCH", line);
        Assert.Contains("license 1, domain evil.com, product 1, address 127.0.0.1", line);
        Assert.DoesNotContain(server.Log.Lines, l => l.Contains(license.LicenseKey!, StringComparison.Ordinal));
    }

    /// <summary>What is not HTTP, or more of it than anybody needs: a 4xx or a closed connection, at once, and the server lives.</summary>
    [Theory]
    [InlineData("GARBAGE\r\n\r\n")]
    [InlineData("GET /api/license/verify HTTP/1.1\r\n\r\n")]
    [InlineData("GET /api/license/verify HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")]
    [InlineData("GET /api/license/verify HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")]
    [InlineData("GET /api/license/verify HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("GET /api/license/verify HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n")]
    [InlineData("POST /api/license/verify HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nZZ\r\nx\r\n0\r\n\r\n")]
    [InlineData("GET /api/license/verify HTTP/1.1\r\nHost: h\r\nX-Bad\u0001Name: x\r\nConnection: close\r\n\r\n")]
    [InlineData("GET /api/license/verify HTTP/1.1\r\nHost: h\r\nX-Domain: a\rb\r\n\r\n")]
    [InlineData("GET /api/license/verify\0 HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET /api/license/verify?domain=%FF%FE&product_id=%00 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer abcdefgh\r\nConnection: close\r\n\r\n")]
    public async Task Malformed_requests_are_refused(string request)
    {
        await using var server = await TestServer.Run();
        var raw = await RawHttp.Send(server.Port, request);
        Assert.Matches("^(HTTP/1.1 4|$)", raw);
        Assert.Equal(404, (await server.Http.Get("/api/x")).Status);
    }

    /// <summary>Kestrel takes it for a host; in a link it would be none.</summary>
    [Fact]
    public async Task A_host_that_no_link_can_be_made_of_is_refused_where_one_is_made()
    {
        await using var server = await TestServer.Run();
        Assert.StartsWith("HTTP/1.1 400", await RawHttp.Send(server.Port, "GET /admin/invitation/x HTTP/1.1\r\nHost: 'h\r\nConnection: close\r\n\r\n"));
        server.AddProduct();
        server.Publish(1, [1]);
        var key = server.Issue(1, "example.com").LicenseKey;
        var mint = $"POST /api/license/download HTTP/1.1\r\nHost: 'h\r\nAuthorization: Bearer {key}\r\nX-Domain: example.com\r\nX-Product-ID: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        var raw = await RawHttp.Send(server.Port, mint);
        Assert.StartsWith("HTTP/1.1 400", raw);
        Assert.Contains("Host header", raw);
        Assert.StartsWith("HTTP/1.1 200", await RawHttp.Send(server.Port, mint.Replace("'h", "h", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_hundred_headers_are_read_and_far_too_large_ones_are_431()
    {
        await using var server = await TestServer.Run();
        Task<string> With(int headers) => RawHttp.Send(
            server.Port, $"GET /api/x HTTP/1.1\r\nHost: h\r\n{string.Concat(Enumerable.Range(0, headers - 2).Select(i => $"X-{i}: y\r\n"))}Connection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 404", await With(100));
        Assert.StartsWith("HTTP/1.1 431", await With(101));
        var large = $"GET /api/x HTTP/1.1\r\nHost: h\r\nX-Large: {new string('x', 17_000)}\r\nConnection: close\r\n\r\n";
        Assert.StartsWith("HTTP/1.1 431", await RawHttp.Send(server.Port, large));
        var long_ = $"GET /api/{new string('x', 20_000)} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        Assert.StartsWith("HTTP/1.1 414", await RawHttp.Send(server.Port, long_));
    }

    [Fact]
    public async Task Json_a_hundred_thousand_levels_deep_is_refused_by_its_size_alone()
    {
        await using var server = await TestServer.Run();
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 100_000));
        var bytes = Encoding.ASCII.GetBytes($"POST /api/license/verify HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer abcdefgh\r\nContent-Type: application/json\r\nContent-Length: {deep.Length}\r\nConnection: close\r\n\r\n{deep}");
        var clock = Stopwatch.StartNew();
        Assert.StartsWith("HTTP/1.1 413", await RawHttp.Send(server.Port, bytes));
        Assert.True(clock.ElapsedMilliseconds < 5000);
        var fits = string.Concat(Enumerable.Repeat("[", 16_000));
        var reply = await server.Http.Read(new HttpRequestMessage(HttpMethod.Post, Ask.VerifyPath)
        {
            Headers = { { "Authorization", "Bearer abcdefgh" } },
            Content = new StringContent(fits, Encoding.UTF8, "application/json"),
        });
        Assert.Equal("INVALID_REQUEST", reply.Code);
    }

    [Fact]
    public async Task Pipelined_requests_get_one_answer_each_in_order()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        string Verify(string id, string close) => $"GET /api/license/verify HTTP/1.1\r\nHost: h\r\nX-Request-ID: {id}\r\nAuthorization: Bearer {license.LicenseKey}\r\nContent-Length: 40\r\nContent-Type: application/json\r\n{close}\r\n{"{\"domain\":\"example.com\",\"product_id\":1}",-40}";
        var raw = await RawHttp.Send(server.Port, Verify("one", "") + Verify("two", "") + Verify("three", "Connection: close\r\n"));
        Assert.Equal(["one", "two", "three"], System.Text.RegularExpressions.Regex.Matches(raw, "X-Request-ID: (\\w+)").Select(m => m.Groups[1].Value));
        Assert.Equal(3, System.Text.RegularExpressions.Regex.Count(raw, "HTTP/1.1 200"));
    }

    [Fact]
    public async Task The_front_page_says_that_it_runs()
    {
        await using var server = await TestServer.Run();
        var reply = await server.Http.Get("/");
        Assert.Equal(200, reply.Status);
        Assert.Contains("Latchkey is running", reply.Text);
        Assert.Equal(JsonValueKind.Object, (await server.Http.Get("/elsewhere")).Json.ValueKind);
    }
}
