using System.Text.Json;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Reliability;

/// <summary>The log of a whole process, at its most talkative: one event one line, and never a key or token.</summary>
public sealed class LogTests : IDisposable
{
    const string Known = "KNOWN_Canary_7f3a";
    const string Unknown = "UNKNOWN_Canary_7f3a";
    const string Evil = "evil\r\n\u001b[31mFORGED\u001b[0m\u0085\u2028";

    readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    async Task<ServeProcess> Start()
    {
        await _shop.AddProduct();
        await _shop.AddProduct();
        await _shop.Publish(1, "content"u8.ToArray());
        await _shop.Issue(1, "--domain", "example.com", "--key", Known);
        return await _shop.Serve("--Log:Level", "Debug");
    }

    static async Task<List<JsonElement>> LinesOf(ServeProcess server)
    {
        Assert.Equal(0, await server.Terminate());
        return [.. server.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }

    static string? State(JsonElement line, string name) =>
        line.GetProperty("State").TryGetProperty(name, out var value) ? value.ToString() : null;

    static void AssertNone(IEnumerable<JsonElement> lines, params string[] canaries)
    {
        foreach (var line in lines)
        {
            Assert.Equal(JsonValueKind.Object, line.ValueKind);
            foreach (var canary in canaries) Assert.DoesNotContain(canary, line.GetRawText(), StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task Each_refusal_is_one_line_with_its_code_request_id_license_and_canonical_domain()
    {
        await using var server = await Start();
        var refusals = new List<(string Id, string Code, string License, string Domain)>();
        async Task Refused(string id, HttpRequestMessage request, string license, string domain)
        {
            request.Headers.TryAddWithoutValidation("X-Request-ID", id);
            var reply = await server.Http.Read(request);
            Assert.Equal(id, reply.Header("X-Request-ID"));
            refusals.Add((id, reply.Code!, license, domain));
        }

        static HttpRequestMessage Verify(string? key, string? domain, object? product) => Ask.Request(HttpMethod.Get, Ask.VerifyPath, key, domain, product);
        await Refused("no-key", Verify(null, "example.com", 1), "-", "-");
        await Refused("no-domain", Verify(Known, null, 1), "-", "-");
        await Refused("bad-domain", Verify(Known, "exa mple.com", 1), "-", "-");
        await Refused("no-product", Verify(Known, "example.com", null), "-", "-");
        await Refused("unknown-key", Verify(Unknown, "https://WWW.Example.com/", 1), "-", "example.com");
        await Refused("other-domain", Verify(Known, "https://WWW.Xn--Ber-Goa.de:8443/x", 1), "1", "xn--ber-goa.de");
        await Refused("other-product", Verify(Known, "WWW.example.com.", 2), "1", "example.com");
        await Refused("unknown-path", new HttpRequestMessage(HttpMethod.Get, "/api/license/nothing"), "-", "-");
        await Refused("wrong-method", new HttpRequestMessage(HttpMethod.Delete, Ask.VerifyPath), "-", "-");
        var link = await server.Http.MintPathOf(Known, "example.com", 1);
        Assert.Equal(200, (await server.Http.Get(link)).Status);
        await Refused("spent", new HttpRequestMessage(HttpMethod.Get, link), "1", "-");
        await _shop.Do("license", "suspend", "1");
        await Refused("suspended", Verify(Known, "example.com", 1), "1", "example.com");

        var lines = await LinesOf(server);
        Assert.Equal(11, refusals.Select(refused => refused.Id).Distinct().Count());
        foreach (var (id, code, license, domain) in refusals)
        {
            var line = Assert.Single(lines, line => State(line, "RequestId") == id && State(line, "Code") is not null);
            Assert.Equal((id, code, license, domain), (id, State(line, "Code"), State(line, "LicenseId"), State(line, "Domain")));
        }

        AssertNone(lines, Known, Unknown, link.Split('/')[^1]);
    }

    [Fact]
    public async Task No_key_no_token_and_no_forged_line_gets_in_by_any_input()
    {
        await using var server = await Start();
        var token = (await server.Http.MintPathOf(Known, "example.com", 1)).Split('/')[^1];
        var spent = (await server.Http.MintPathOf(Known, "example.com", 1)).Split('/')[^1];
        Assert.Equal(200, (await server.Http.Get($"/api/license/download-file/{spent}")).Status);
        string[] canaries = [Known, Unknown, token, spent];
        foreach (var text in canaries.SelectMany(canary => new[] { canary, $"{canary} {Evil}", $"{Evil}{canary}" }))
        {
            foreach (var request in Requests(text)) await server.Http.Read(request);
        }

        // What no HTTP client would send: control characters and line breaks in headers, methods and paths of its own.
        foreach (var text in canaries)
        {
            foreach (var line in new[] { $"\u001b[31m{text}", $"\n{text}", $"\r{text}", $"\0{text}", $"\u0085{text}", $"\u00ff{text}" })
            {
                foreach (var name in new[] { "X-Domain", "X-Product-ID", "X-Request-ID", "User-Agent", "Authorization", "Range", "Accept", "Content-Length", "Transfer-Encoding", text })
                {
                    await RawHttp.Send(new Uri(server.Url).Port, $"GET {Ask.VerifyPath} HTTP/1.1\r\nHost: x\r\n{name}: {line}\r\nConnection: close\r\n\r\n");
                }
            }

            foreach (var first in new[] { $"{text} / HTTP/1.1", $"GET /{text}\u001b[31m HTTP/1.1", $"GET {text} HTTP/1.1", $"GET / HTTP/{text}", $"GET /{text}", text, $"CONNECT {text}:1 HTTP/1.1", $"GET http://{text}/ HTTP/1.1" })
            {
                await RawHttp.Send(new Uri(server.Url).Port, $"{first}\r\nHost: {text}\r\nConnection: close\r\n\r\n");
            }
        }

        Assert.Equal(200, (await server.Http.Verify(Known, "example.com", 1)).Status);
        var lines = await LinesOf(server);
        Assert.True(lines.Count > 100, "the refusals are not in the log");
        AssertNone(lines, [.. canaries, "FORGED", "\\u001b", "\u001b"]);
    }

    /// <summary>One text in every place of a request that takes one.</summary>
    static IEnumerable<HttpRequestMessage> Requests(string text)
    {
        var escaped = Uri.EscapeDataString(text);
        yield return new(HttpMethod.Get, $"{Ask.VerifyPath}?domain={escaped}&product_id=1&key={escaped}");
        yield return Ask.Request(HttpMethod.Get, $"{Ask.VerifyPath}?domain={escaped}", Unknown, null, 1);
        yield return Ask.Request(HttpMethod.Get, $"{Ask.VerifyPath}?product_id={escaped}", Unknown, "example.com", null);
        yield return new(HttpMethod.Get, $"{Ask.VerifyPath}/{escaped}");
        yield return new(HttpMethod.Get, $"/api/license/download-file/x{escaped}");
        yield return new(HttpMethod.Get, $"/api/license/download-file/{escaped}/{escaped}.zip");
        yield return new(HttpMethod.Head, $"/api/license/download-file/{escaped}");
        yield return new(HttpMethod.Post, $"/api/license/download-file/{escaped}");
        yield return new(HttpMethod.Get, $"/{escaped}");
        foreach (var body in new[] { JsonSerializer.Serialize(new { domain = text, product_id = text }), $"{{\"domain\":\"{text}", JsonSerializer.Serialize(text) })
        {
            var request = Ask.Request(HttpMethod.Post, Ask.VerifyPath, Unknown, null, null);
            request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
            yield return request;
        }

        var form = Ask.Request(HttpMethod.Post, Ask.MintPath, Unknown, null, null);
        form.Content = new FormUrlEncodedContent([new("domain", text), new("product_id", "1"), new(text, text)]);
        yield return form;
        if (text.Contains('\n', StringComparison.Ordinal)) yield break;
        foreach (var name in new[] { "X-Domain", "X-Product-ID", "User-Agent", "Referer", "Cookie", "X-Forwarded-For", "Range", "If-Range", "Accept", "Origin", "traceparent", "Purpose" })
        {
            var request = Ask.Request(HttpMethod.Get, Ask.VerifyPath, text, name == "X-Domain" ? null : "wrong.com", name == "X-Product-ID" ? null : 1);
            request.Headers.TryAddWithoutValidation(name, text);
            yield return request;
        }
    }

    [Fact]
    public async Task A_key_or_token_sent_as_request_id_stays_out_of_the_log()
    {
        await using var server = await Start();
        var token = (await server.Http.MintPathOf(Known, "example.com", 1)).Split('/')[^1];
        foreach (var canary in new[] { Known, token })
        {
            foreach (var path in new[] { Ask.VerifyPath, $"/api/license/download-file/{token}0", $"/api/license/download-file/{token}/x", "/api/nothing" })
            {
                var request = Ask.Request(HttpMethod.Post, path, Known, "wrong.com", 1);
                request.Headers.TryAddWithoutValidation("X-Request-ID", canary);
                await server.Http.Read(request);
            }
        }

        AssertNone(await LinesOf(server), Known, token);
    }

    [Fact]
    public async Task A_key_sent_as_domain_stays_out_of_the_log()
    {
        await using var server = await Start();
        const string hostLike = "HOSTLIKE-Canary-7f3a";
        await _shop.Issue(1, "--domain", "example.com", "--key", hostLike);
        Assert.Equal(403, (await server.Http.Verify(hostLike, hostLike, 1)).Status);
        AssertNone(await LinesOf(server), hostLike);
    }
}
