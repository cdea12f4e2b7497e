using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Downloads;

public sealed class MintTests
{
    static async Task<(TestServer Server, string Key)> WithFile(params (string, string)[] settings)
    {
        var server = await TestServer.Run(settings);
        var license = server.Issue(server.AddProduct("Your Product Name").Id, "example.com");
        server.Publish(1, new byte[1234]);
        return (server, license.LicenseKey!);
    }

    [Fact]
    public async Task Answers_with_a_link_that_is_good_for_exactly_86400_seconds()
    {
        var (server, key) = await WithFile();
        await using var _ = server;
        server.Clock.Advance(TimeSpan.FromTicks(1_234_567));
        var reply = await server.Http.Mint(key, "example.com", 1);
        Assert.Equal(200, reply.Status);
        Assert.Matches(
            "^{\"success\":true,\"message\":\"Download token generated successfully\",\"data\":{\"download_url\":\"" + server.Url
            + "/api/license/download-file/[0-9a-f]{64}\",\"expires_at\":\"2026-01-02T00:00:00.123Z\",\"product_name\":\"Your Product Name\",\"file_size\":1234,\"version\":\"1.0.0\",\"file_name\":\"product.zip\",\"sha256\":\"[0-9a-f]{64}\",\"content_type\":\"application/zip\"}}$",
            reply.Text);
    }

    [Theory]
    [InlineData("https://licenses.example.com", "https://licenses.example.com/api/")]
    [InlineData("https://example.com/latchkey/", "https://example.com/latchkey/api/")]
    public async Task The_link_stands_on_the_configured_public_url(string publicUrl, string begins)
    {
        var (server, key) = await WithFile(("PublicUrl", publicUrl));
        await using var _ = server;
        var url = (await server.Http.Mint(key, "example.com", 1)).Json.GetProperty("data").GetProperty("download_url").GetString();
        Assert.StartsWith(begins, url);
    }

    [Theory]
    [InlineData(true, "https://shop.example")]
    [InlineData(false, "http://127.0.0.1")]
    public async Task Else_on_scheme_and_host_as_listed_proxies_tell_them(bool listed, string begins)
    {
        var (server, key) = await WithFile(("TrustedProxies:0", listed ? "127.0.0.1" : "10.0.0.1"));
        await using var _ = server;
        var request = Ask.Request(HttpMethod.Post, Ask.MintPath, key, "example.com", 1);
        request.Headers.Add("X-Forwarded-For", "203.0.113.7");
        request.Headers.Add("X-Forwarded-Proto", "https");
        request.Headers.Add("X-Forwarded-Host", "shop.example");
        var url = (await server.Http.Read(request)).Json.GetProperty("data").GetProperty("download_url").GetString();
        Assert.StartsWith(begins, url);
    }

    [Fact]
    public async Task Refuses_where_the_product_has_no_api_download_and_only_then_asks_for_a_file()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct(apiDownload: false).Id, "example.com");
        var reply = await server.Http.Mint(license.LicenseKey, "example.com", 1);
        Assert.Equal((403, "{\"success\":false,\"message\":\"API download is disabled for this product\",\"error_code\":\"API_DOWNLOAD_DISABLED\"}"), (reply.Status, reply.Text));
        server.OperateProducts(p => p.Edit(1, new(null, null, null, true, null)));
        reply = await server.Http.Mint(license.LicenseKey, "example.com", 1);
        Assert.Equal((404, "{\"success\":false,\"message\":\"No downloadable file available for this product\",\"error_code\":\"NO_DOWNLOADABLE_FILE\"}"), (reply.Status, reply.Text));
        server.Publish(1, [1]);
        Assert.Equal(200, (await server.Http.Mint(license.LicenseKey, "example.com", 1)).Status);
    }

    [Fact]
    public async Task The_newest_published_file_is_the_download_and_older_links_keep_theirs()
    {
        var (server, key) = await WithFile();
        await using var _ = server;
        var old = await server.Http.MintPathOf(key, "example.com", 1);
        server.Publish(1, new byte[99]);
        var reply = await server.Http.Mint(key, "example.com", 1);
        Assert.Equal(99, reply.Json.GetProperty("data").GetProperty("file_size").GetInt64());
        Assert.Equal(1234, (await server.Http.Get(old)).Bytes.Length);
    }

    [Fact]
    public async Task Without_a_host_there_is_no_link_to_make()
    {
        var (server, key) = await WithFile();
        await using var _ = server;
        var raw = await RawHttp.Send(server.Port, $"POST /api/license/download HTTP/1.0\r\nAuthorization: Bearer {key}\r\nX-Domain: example.com\r\nX-Product-ID: 1\r\nContent-Length: 0\r\n\r\n");
        Assert.Contains("INVALID_REQUEST", raw);
    }

    [Fact]
    public async Task While_another_process_holds_the_database_a_mint_is_503_and_a_verify_is_answered()
    {
        var (server, key) = await WithFile();
        await using var _ = server;
        using (Tables.HoldWrites(server.Database()))
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => server.Http.Mint(key, "example.com", 1)));
            Assert.All(replies, reply => Assert.Equal((503, "SERVICE_UNAVAILABLE", "5"), (reply.Status, reply.Code, reply.Header("Retry-After"))));
            Assert.Equal(200, (await server.Http.Verify(key, "example.com", 1)).Status);
        }

        Assert.Equal(200, (await server.Http.Mint(key, "example.com", 1)).Status);
    }

    [Fact]
    public async Task Many_mints_at_once_are_all_different_and_all_there()
    {
        var (server, key) = await WithFile();
        await using var _ = server;
        var paths = await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => server.Http.MintPathOf(key, "example.com", 1)));
        Assert.Equal(500, paths.Distinct().Count());
        var heads = await Task.WhenAll(paths.Select(path => server.Http.Read(new HttpRequestMessage(HttpMethod.Head, path))));
        Assert.All(heads, head => Assert.Equal(200, head.Status));
    }
}
