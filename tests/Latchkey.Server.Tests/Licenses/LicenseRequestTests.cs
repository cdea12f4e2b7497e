using System.Net.Http.Headers;
using System.Text;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Licenses;

/// <summary>Where key, domain and product may stand, and what happens when they contradict each other.</summary>
public sealed class LicenseRequestTests : IAsyncLifetime
{
    TestServer _server = null!;
    string _key = "";

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.Run();
        _key = _server.Issue(_server.AddProduct().Id, "example.com").LicenseKey!;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    async Task<Reply> Send(HttpMethod method, string path, string? contentType, byte[]? body, params (string Name, string Value)[] headers)
    {
        var request = Ask.Request(method, path, _key, null, null);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            if (contentType is not null) request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        return await _server.Http.Read(request);
    }

    Task<Reply> Send(string? contentType, string body, params (string, string)[] headers) =>
        Send(HttpMethod.Post, Ask.VerifyPath, contentType, Encoding.UTF8.GetBytes(body), headers);

    [Theory]
    [InlineData("application/json", "{\"domain\":\"example.com\",\"product_id\":1}")]
    [InlineData("application/json", "{\"domain\":\"example.com\",\"product_id\":\"1\"}")]
    [InlineData("application/json; charset=utf-8", " \r\n {\"product_id\" : 1, \"domain\" : \"https://www.example.com/\", \"more\":{\"a\":[1,2]}} ")]
    [InlineData("application/json", "\uFEFF{\"domain\":\"example.com\",\"product_id\":1}")]
    [InlineData("application/vnd.api+json", "{\"domain\":\"example.com\",\"product_id\":1}")]
    [InlineData("application/x-www-form-urlencoded", "domain=example.com&product_id=1")]
    [InlineData("application/x-www-form-urlencoded", "domain=https%3A%2F%2Fexample.com%2F&product_id=1&x=y")]
    [InlineData("application/x-www-form-urlencoded", "{\"domain\":\"example.com\",\"product_id\":1}")]
    [InlineData(null, "{\"domain\":\"example.com\",\"product_id\":1}")]
    [InlineData(null, "domain=example.com&product_id=1")]
    [InlineData("multipart/form-data; boundary=XX", "--XX\r\nContent-Disposition: form-data; name=\"domain\"\r\n\r\nexample.com\r\n--XX\r\nContent-Disposition: form-data; name=\"product_id\"\r\n\r\n1\r\n--XX--\r\n")]
    public async Task Reads_a_body_of_any_kind_that_clients_send(string? contentType, string body)
    {
        Assert.Equal(200, (await Send(contentType, body)).Status);
        Assert.Equal(200, (await Send(HttpMethod.Get, Ask.VerifyPath, contentType, Encoding.UTF8.GetBytes(body))).Status);
    }

    [Fact]
    public async Task Reads_the_query_too() =>
        Assert.Equal(200, (await Send(HttpMethod.Get, Ask.VerifyPath + "?domain=https%3A%2F%2Fexample.com&product_id=1", null, null)).Status);

    [Fact]
    public async Task A_json_type_without_a_body_is_no_error()
    {
        Assert.Equal(200, (await Send(HttpMethod.Post, Ask.VerifyPath, "application/json", [], ("X-Domain", "example.com"), ("X-Product-ID", "1"))).Status);
        var raw = await RawHttp.Send(_server.Port, $"GET /api/license/verify HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nAuthorization: Bearer {_key}\r\nX-Domain: example.com\r\nX-Product-ID: 1\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", raw);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("{\"domain\":\"example.com\",}")]
    [InlineData("{\"domain\":\"example.com\",\"domain\":\"example.com\",\"product_id\":1}")]
    [InlineData("{\"domain\":\"example.com\",\"d\\u006fmain\":\"evil.com\",\"product_id\":1}")]
    [InlineData("{\"domain\":\"example.com\",\"product_id\":1,\"x\":{\"y\":1,\"y\":2}}")]
    [InlineData("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}")]
    [InlineData("{} {}")]
    [InlineData("{\"domain\":\"\\ud800\",\"product_id\":1}")]
    public async Task Refuses_json_that_is_malformed_deep_or_says_a_name_twice(string body) =>
        Assert.Equal("INVALID_REQUEST", (await Send("application/json", body)).Code);

    [Fact]
    public async Task Eight_levels_of_json_are_read() => Assert.Equal(200, (await Send(
        "application/json", "{\"domain\":\"example.com\",\"product_id\":1,\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}")).Status);

    [Theory]
    [InlineData("{\"domain\":123,\"product_id\":1}", "INVALID_DOMAIN")]
    [InlineData("{\"domain\":[\"example.com\"],\"product_id\":1}", "INVALID_DOMAIN")]
    [InlineData("{\"domain\":true,\"product_id\":1}", "INVALID_DOMAIN")]
    [InlineData("{\"domain\":null,\"product_id\":1}", "MISSING_DOMAIN")]
    [InlineData("{\"domain\":\"\",\"product_id\":1}", "MISSING_DOMAIN")]
    [InlineData("{\"domain\":\"example.com\"}", "MISSING_PRODUCT_ID")]
    [InlineData("{\"domain\":\"example.com\",\"product_id\":null}", "MISSING_PRODUCT_ID")]
    [InlineData("{\"domain\":\"example.com\",\"product_id\":0}", "INVALID_PRODUCT_ID")]
    [InlineData("{\"domain\":\"example.com\",\"product_id\":-1}", "INVALID_PRODUCT_ID")]
    [InlineData("{\"domain\":\"example.com\",\"product_id\":1.0}", "INVALID_PRODUCT_ID")]
    [InlineData("{\"domain\":\"example.com\",\"product_id\":1e0}", "INVALID_PRODUCT_ID")]
    [InlineData("{\"domain\":\"example.com\",\"product_id\":true}", "INVALID_PRODUCT_ID")]
    [InlineData("{\"domain\":\"example.com\",\"product_id\":[1]}", "INVALID_PRODUCT_ID")]
    [InlineData("{\"domain\":\"example.com\",\"product_id\":\"1x\"}", "INVALID_PRODUCT_ID")]
    [InlineData("{\"domain\":\"example.com\",\"product_id\":99999999999999999999}", "INVALID_PRODUCT_ID")]
    public async Task Refuses_values_of_the_wrong_type_or_range(string body, string code) =>
        Assert.Equal(code, (await Send("application/json", body)).Code);

    public static TheoryData<string, string> Places()
    {
        var places = new[] { "header", "body", "query" };
        var pairs = new TheoryData<string, string>();
        foreach (var one in places) foreach (var other in places) if (string.CompareOrdinal(one, other) < 0 || (one == other && one != "header")) pairs.Add(one, other);
        return pairs;
    }

    Task<Reply> SendIn(string one, string other, string field, string first, string second)
    {
        var header = field == "domain" ? "X-Domain" : "X-Product-ID";
        var headers = new List<(string, string)> { field == "domain" ? ("X-Product-ID", "1") : ("X-Domain", "example.com") };
        var (query, body) = ("", "");
        foreach (var (place, value) in new[] { (one, first), (other, second) })
        {
            if (place == "header") headers.Add((header, value));
            if (place == "query") query += $"&{field}={Uri.EscapeDataString(value)}";
            if (place == "body") body += $"&{field}={Uri.EscapeDataString(value)}";
        }

        return Send(HttpMethod.Post, $"{Ask.VerifyPath}?a=b{query}", "application/x-www-form-urlencoded", body.Length == 0 ? null : Encoding.UTF8.GetBytes(body[1..]), [.. headers]);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task Two_places_that_contradict_each_other_are_refused(string one, string other)
    {
        Assert.Equal("CONFLICTING_INPUT", (await SendIn(one, other, "domain", "example.com", "evil.com")).Code);
        Assert.Equal("CONFLICTING_INPUT", (await SendIn(one, other, "domain", "example.com", "not a host")).Code);
        Assert.Equal("CONFLICTING_INPUT", (await SendIn(one, other, "product_id", "1", "2")).Code);
        Assert.Equal("CONFLICTING_INPUT", (await SendIn(one, other, "product_id", "x", "1")).Code);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task Two_places_that_mean_the_same_are_one_value(string one, string other)
    {
        Assert.Equal(200, (await SendIn(one, other, "domain", "example.com", "https://WWW.Example.com:443/x")).Status);
        Assert.Equal(200, (await SendIn(one, other, "product_id", "1", "01")).Status);
    }

    [Theory]
    [InlineData("X-Domain", "example.com", "evil.com")]
    [InlineData("X-Product-ID", "1", "2")]
    public async Task Two_headers_that_contradict_each_other_are_refused(string name, string first, string second)
    {
        var other = name == "X-Domain" ? "X-Product-ID: 1" : "X-Domain: example.com";
        var raw = await RawHttp.Send(_server.Port, $"GET /api/license/verify HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {_key}\r\n{other}\r\n{name}: {first}\r\n{name}: {second}\r\nConnection: close\r\n\r\n");
        Assert.Contains("CONFLICTING_INPUT", raw);
    }

    [Fact]
    public async Task Two_authorization_headers_are_refused_even_when_equal()
    {
        foreach (var second in new[] { _key, "other-key-1" })
        {
            var raw = await RawHttp.Send(_server.Port, $"GET /api/license/verify HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {_key}\r\nAuthorization: Bearer {second}\r\nX-Domain: example.com\r\nX-Product-ID: 1\r\nConnection: close\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 400", raw);
            Assert.Contains("INVALID_REQUEST", raw);
        }
    }

    [Theory]
    [InlineData("text/plain", "domain=example.com")]
    [InlineData("application/xml", "<domain/>")]
    [InlineData("nonsense", "x")]
    public async Task A_body_of_another_type_is_415(string type, string body)
    {
        var reply = await Send(type, body);
        Assert.Equal((415, "UNSUPPORTED_MEDIA_TYPE"), (reply.Status, reply.Code));
    }

    [Fact]
    public async Task A_body_over_16_KiB_is_413_whether_announced_or_chunked()
    {
        var body = Encoding.UTF8.GetBytes("{\"domain\":\"example.com\",\"product_id\":1,\"x\":\"" + new string('x', 17_000) + "\"}");
        var reply = await Send(HttpMethod.Post, Ask.VerifyPath, "application/json", body);
        Assert.Equal((413, "PAYLOAD_TOO_LARGE"), (reply.Status, reply.Code));
        var request = Ask.Request(HttpMethod.Post, Ask.VerifyPath, _key, null, null);
        request.Headers.TransferEncodingChunked = true;
        request.Content = new StreamContent(new MemoryStream(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        Assert.Equal(413, (await _server.Http.Read(request)).Status);
        var fits = Encoding.UTF8.GetBytes("{\"domain\":\"example.com\",\"product_id\":1,\"x\":\"" + new string('x', 16_000) + "\"}");
        Assert.Equal(200, (await Send(HttpMethod.Post, Ask.VerifyPath, "application/json", fits)).Status);
    }

    [Theory]
    [InlineData("X-Domain: \u00dcber.de")]
    [InlineData("X-Domain: \u00c3\u009cber.de")]
    public async Task An_international_name_in_a_header_is_read_as_utf8_or_latin1(string header)
    {
        var license = _server.Issue(1, "über.de");
        var raw = await RawHttp.Send(_server.Port, $"GET /api/license/verify HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {license.LicenseKey}\r\n{header}\r\nX-Product-ID: 1\r\nConnection: close\r\n\r\n");
        Assert.Contains("\"domain\":\"xn--ber-goa.de\"", raw);
    }

    /// <summary>Extra fields of whatever name change nothing.</summary>
    [Fact]
    public async Task Fields_that_mean_nothing_here_change_nothing() => Assert.Equal("INVALID_LICENSE", (await _server.Http.Read(
        new HttpRequestMessage(HttpMethod.Post, Ask.VerifyPath + "?license_key=" + _key)
        {
            Headers = { { "Authorization", "Bearer wrong-key-1" } },
            Content = new StringContent($"{{\"domain\":\"example.com\",\"product_id\":1,\"license_key\":\"{_key}\",\"is_active\":true}}", Encoding.UTF8, "application/json"),
        })).Code);
}
