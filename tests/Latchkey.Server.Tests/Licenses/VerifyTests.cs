using System.Text;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Licenses;

public sealed class VerifyTests
{
    [Fact]
    public async Task Grants_the_bound_domain_with_the_whole_answer()
    {
        await using var server = await TestServer.Run();
        var product = server.AddProduct("Your Product Name", "DEZERX", id: 7);
        var license = server.Operate(l => l.Issue(new(product.Id, ["your-domain.com"], UserId: 123)));
        var reply = await server.Http.Verify(license.LicenseKey, "https://WWW.Your-Domain.com/shop", 7);
        Assert.Equal(200, reply.Status);
        Assert.Equal(
            "{\"success\":true,\"message\":\"License is valid and active\",\"data\":{\"license_id\":1,\"license_key\":\"" + license.LicenseKey
            + "\",\"product_id\":7,\"product_name\":\"Your Product Name\",\"user_id\":123,\"is_active\":true,\"last_rotated\":null,"
            + "\"created_at\":\"2026-01-01T00:00:00.000000Z\",\"domain\":\"your-domain.com\"}}",
            reply.Text);
        Assert.Equal("application/json", reply.Header("Content-Type"));
    }

    [Fact]
    public async Task Says_when_the_key_was_rotated_with_six_digits_and_null_for_no_customer()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.Clock.Advance(TimeSpan.FromTicks(12_345_678));
        var rotated = server.Operate(l => l.Rotate("1"));
        Assert.Equal(401, (await server.Http.Verify(license.LicenseKey, "example.com", 1)).Status);
        var data = (await server.Http.Verify(rotated.LicenseKey, "example.com", 1)).Json.GetProperty("data");
        Assert.Equal("2026-01-01T00:00:01.234567Z", data.GetProperty("last_rotated").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, data.GetProperty("user_id").ValueKind);
    }

    /// <summary>The contract's table: each refusal, with its status, code and message.</summary>
    [Theory]
    [InlineData("missing authorization", 401, "MISSING_AUTHORIZATION", "Authorization header missing")]
    [InlineData("missing domain", 400, "MISSING_DOMAIN", "Domain is required")]
    [InlineData("invalid domain", 400, "INVALID_DOMAIN", "Domain is not a valid host name")]
    [InlineData("missing product", 400, "MISSING_PRODUCT_ID", "Product ID is required")]
    [InlineData("invalid product", 400, "INVALID_PRODUCT_ID", "Product ID must be a positive integer")]
    [InlineData("wrong key", 401, "INVALID_LICENSE", "Invalid license key")]
    [InlineData("suspended", 403, "LICENSE_INACTIVE", "License is inactive")]
    [InlineData("revoked", 403, "LICENSE_INACTIVE", "License is inactive")]
    [InlineData("expired", 403, "LICENSE_EXPIRED", "License has expired")]
    [InlineData("wrong domain", 403, "DOMAIN_MISMATCH", "Domain mismatch. License not valid for this domain.")]
    [InlineData("wrong product", 403, "PRODUCT_ID_MISMATCH", "Product ID mismatch. License not valid for this product.")]
    public async Task Refuses_in_the_words_of_the_contract(string what, int status, string code, string message)
    {
        await using var server = await TestServer.Run();
        var product = server.AddProduct();
        var license = server.Operate(l => l.Issue(new(product.Id, ["example.com"], ExpiresAt: TestServer.Start.AddDays(1))));
        if (what == "suspended") server.Operate(l => l.Suspend("1"));
        if (what == "revoked") server.Operate(l => l.Revoke("1"));
        if (what == "expired") server.Clock.AdjustTime(server.Clock.GetUtcNow() + TimeSpan.FromDays(1));
        var key = what switch { "missing authorization" => null, "wrong key" => "PLUG_AAAAAAAAAAAAAAAA", _ => license.LicenseKey };
        var domain = what switch { "missing domain" => null, "invalid domain" => "not a host", "wrong domain" => "other.com", _ => "example.com" };
        var id = what switch { "missing product" => null, "invalid product" => "0", "wrong product" => "2", _ => "1" };
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Post })
        {
            foreach (var path in new[] { Ask.VerifyPath, Ask.MintPath }.Where(p => p == Ask.VerifyPath || method == HttpMethod.Post))
            {
                var reply = await server.Http.Read(Ask.Request(method, path, key, domain, id));
                Assert.Equal(status, reply.Status);
                Assert.Equal($"{{\"success\":false,\"message\":\"{message}\",\"error_code\":\"{code}\"}}", reply.Text);
                Assert.Equal(code, reply.Header("X-Error-Code"));
                var challenge = code switch { "MISSING_AUTHORIZATION" => "Bearer", "INVALID_LICENSE" => "Bearer error=\"invalid_token\"", _ => null };
                Assert.Equal(challenge, reply.Header("WWW-Authenticate"));
            }
        }
    }

    /// <summary>With everything wrong at once, mending one thing after the other uncovers the next refusal.</summary>
    [Fact]
    public async Task The_first_check_that_fails_answers()
    {
        await using var server = await TestServer.Run();
        var license = server.Operate(l => l.Issue(new(server.AddProduct().Id, ["example.com"], ExpiresAt: TestServer.Start.AddDays(1))));
        server.Operate(l => l.Suspend("1"));
        server.Clock.AdjustTime(server.Clock.GetUtcNow() + TimeSpan.FromDays(2));
        async Task<string?> Code(string? key, string? domain, string? product, string? body = null)
        {
            var request = Ask.Request(HttpMethod.Post, Ask.VerifyPath, key, domain, product);
            if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            return (await server.Http.Read(request)).Code;
        }

        Assert.Equal("MISSING_AUTHORIZATION", await Code(null, null, null, "{"));
        Assert.Equal("INVALID_REQUEST", await Code("wrong-key-1", null, null, "{"));
        Assert.Equal("CONFLICTING_INPUT", await Code("wrong-key-1", "a b", null, "{\"domain\":\"b c\"}"));
        Assert.Equal("MISSING_DOMAIN", await Code("wrong-key-1", null, "x"));
        Assert.Equal("INVALID_DOMAIN", await Code("wrong-key-1", "a b", null));
        Assert.Equal("MISSING_PRODUCT_ID", await Code("wrong-key-1", "other.com", null));
        Assert.Equal("INVALID_PRODUCT_ID", await Code("wrong-key-1", "other.com", "x"));
        Assert.Equal("INVALID_LICENSE", await Code("wrong-key-1", "other.com", "2"));
        Assert.Equal("LICENSE_INACTIVE", await Code(license.LicenseKey, "other.com", "2"));
        server.Operate(l => l.Resume("1"));
        Assert.Equal("LICENSE_EXPIRED", await Code(license.LicenseKey, "other.com", "2"));
        server.Operate(l => l.Edit("1", new EditLicense(null, null, null, NeverExpires: true)));
        Assert.Equal("DOMAIN_MISMATCH", await Code(license.LicenseKey, "other.com", "2"));
        Assert.Equal("PRODUCT_ID_MISMATCH", await Code(license.LicenseKey, "example.com", "2"));
        Assert.Null(await Code(license.LicenseKey, "example.com", "1"));
    }

    [Fact]
    public async Task Head_answers_as_get_does_without_the_body()
    {
        await using var server = await TestServer.Run(("RateLimit:RequestsPerMinute", "60"));
        var license = server.Issue(server.AddProduct().Id, "example.com");
        var get = await server.Http.Verify(license.LicenseKey, "example.com", 1);
        var head = await server.Http.Read(Ask.Request(HttpMethod.Head, Ask.VerifyPath, license.LicenseKey, "example.com", 1));
        Assert.Equal(200, head.Status);
        Assert.Empty(head.Bytes);
        Assert.Equal(get.Header("Content-Length"), head.Header("Content-Length"));
        Assert.Equal("58", head.Header("X-RateLimit-Remaining"));
        Assert.Equal(401, (await server.Http.Read(Ask.Request(HttpMethod.Head, Ask.VerifyPath, "nope-nope", "example.com", 1))).Status);
    }

    /// <summary>Unknown, malformed, too long, empty of meaning: the bytes are the same, but for the request id and the date.</summary>
    [Fact]
    public async Task An_unknown_and_a_malformed_key_get_identical_answers()
    {
        await using var server = await TestServer.Run();
        server.Issue(server.AddProduct().Id, "example.com");
        var answers = new HashSet<string>();
        foreach (var key in new[] { "PLUG_AAAAAAAAAAAAAAAA", "x", "!!!", "a b c", "DROP TABLE licenses;--", new string('k', 3000), "\u00e4\u00f6\u00fc" })
        {
            var raw = await RawHttp.Send(server.Port, $"GET /api/license/verify HTTP/1.1\r\nHost: h\r\nX-Request-ID: same\r\nAuthorization: Bearer {key}\r\nX-Domain: example.com\r\nX-Product-ID: 1\r\nConnection: close\r\n\r\n");
            answers.Add(System.Text.RegularExpressions.Regex.Replace(raw, "Date: [^\r]*", "Date:"));
        }

        Assert.Single(answers);
        Assert.StartsWith("HTTP/1.1 401", answers.Single());
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("BearerPLUG_1234")]
    [InlineData("")]
    public async Task A_header_without_a_bearer_key_is_a_missing_one(string value)
    {
        await using var server = await TestServer.Run();
        var raw = await RawHttp.Send(server.Port, $"GET /api/license/verify HTTP/1.1\r\nHost: h\r\nAuthorization: {value}\r\nConnection: close\r\n\r\n");
        Assert.Contains("MISSING_AUTHORIZATION", raw);
    }

    [Theory]
    [InlineData("bearer")]
    [InlineData("BEARER")]
    [InlineData("bEaReR")]
    public async Task The_scheme_is_read_in_any_case(string scheme)
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        var request = Ask.Request(HttpMethod.Get, Ask.VerifyPath, null, "example.com", 1);
        request.Headers.TryAddWithoutValidation("Authorization", $"{scheme} {license.LicenseKey}");
        Assert.Equal(200, (await server.Http.Read(request)).Status);
    }

    [Fact]
    public async Task A_key_of_all_allowed_characters_works_unchanged()
    {
        await using var server = await TestServer.Run();
        var product = server.AddProduct();
        var key = "aZ09_-" + new string('x', 250);
        server.Operate(l => l.Issue(new(product.Id, ["example.com"], Key: key)));
        var reply = await server.Http.Verify(key, "example.com", 1);
        Assert.Equal(key, reply.Json.GetProperty("data").GetProperty("license_key").GetString());
    }

    /// <summary>Two keys that differ are two keys: no folding of look-alikes or of case.</summary>
    [Fact]
    public async Task Nothing_folds_but_white_space_around_it()
    {
        await using var server = await TestServer.Run();
        var product = server.AddProduct();
        server.Operate(l => l.Issue(new(product.Id, ["example.com"], Key: "PLUG_O0I1L8B5S2Z_")));
        Assert.Equal(200, (await server.Http.Verify("PLUG_O0I1L8B5S2Z_", "example.com", 1)).Status);
        Assert.Equal(200, (await server.Http.Verify("  \t PLUG_O0I1L8B5S2Z_ ", "example.com", 1)).Status);
        foreach (var other in new[] { "PLUG_00I1L8B5S2Z_", "PLUG_O0l1L8B5S2Z_", "plug_o0i1l8b5s2z_", "PLUG_O0I1L8B5S2Z", "PLUG_O0I1 L8B5S2Z_" })
        {
            Assert.Equal("INVALID_LICENSE", (await server.Http.Verify(other, "example.com", 1)).Code);
        }
    }
}
