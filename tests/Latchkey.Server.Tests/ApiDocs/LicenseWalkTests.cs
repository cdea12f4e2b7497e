using System.Text;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.ApiDocs;

/// <summary>Walks the license API with requests of every kind: each answer is one that its document allows, and every code of it occurs.</summary>
public sealed class LicenseWalkTests
{
    const string UpdatePath = "/api/license/update?version=0.9.0";

    readonly HashSet<string> _seen = [];

    async Task<Reply> Send(TestServer server, string method, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        foreach (var (name, value) in headers.Where(header => header.Name != "body")) request.Headers.TryAddWithoutValidation(name, value);
        if (headers.FirstOrDefault(header => header.Name == "body").Value is { } body)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", headers.FirstOrDefault(h => h.Name == "Content-Type").Value ?? "application/json");
        }

        var reply = await server.Http.Read(request);
        var document = await ApiDocument.Of(server, "license");
        var operation = document.Find(method, path.Split('?')[0]) ?? throw new InvalidOperationException($"{method} {path} is not in the document");
        var faults = document.Faults(operation, method, reply);
        Assert.True(faults.Count == 0, $"{method} {path} answered {reply.Status} {reply.Text}:\n{string.Join('\n', faults)}");
        _seen.Add(reply.Code ?? $"{reply.Status}");
        return reply;
    }

    [Fact]
    public async Task Every_answer_is_one_that_the_document_allows_and_every_code_occurs()
    {
        await using var server = await TestServer.Run(("RateLimit:RequestsPerMinute", "1000"));
        server.AddProduct();
        server.Publish(1, new byte[200_000]);
        server.AddProduct("No file");
        server.AddProduct("No download", apiDownload: false);
        var key = server.Issue(1, "a.example").LicenseKey!;
        foreach (var (method, path) in new[] { ("GET", Ask.VerifyPath), ("HEAD", Ask.VerifyPath), ("POST", Ask.VerifyPath), ("POST", Ask.MintPath), ("GET", UpdatePath), ("HEAD", UpdatePath), ("POST", UpdatePath) }) await AskInEveryWay(server, method, path, key);
        await Releases(server, key);
        await Download(server, key);
        await Fail(server, key);
        string[] all = [.. (await ApiDocument.Of(server, "license")).Root.GetProperty("components").GetProperty("examples").EnumerateObject().Select(example => example.Name), "200", "204", "206", "304"];
        Assert.Equal(["INTERNAL_ERROR", "REQUEST_TIMEOUT", "TOO_MANY_DOWNLOADS"], all.Except(_seen).Order());
    }

    async Task Releases(TestServer server, string key)
    {
        (string, string)[] asked = [("Authorization", $"Bearer {key}"), ("X-Product-ID", "1"), ("X-Domain", "a.example")];
        server.Publish(1, [1], version: "2.0.0-beta.1");
        server.Operate(l => l.Edit(key, new EditLicense(UpdatesUntil: TestServer.Start.AddDays(-1))));
        Assert.Equal("NOT_ENTITLED", (await Send(server, "POST", Ask.MintPath, asked)).Code);
        Assert.Equal("UPDATES_ENDED", (await Send(server, "GET", "/api/license/update?version=0.1", asked)).Json.GetProperty("data").Text("reason"));
        server.Operate(l => l.Edit(key, new EditLicense(UpdatesForever: true)));
        Assert.Equal("NOT_ENTITLED", (await Send(server, "POST", Ask.MintPath + "?version=2.0.0-beta.1", asked)).Code);
        Assert.Equal("RELEASE_NOT_FOUND", (await Send(server, "POST", Ask.MintPath + "?version=9.0.0", asked)).Code);
        foreach (var method in (string[])["GET", "HEAD", "POST"]) Assert.Equal(403, (await Send(server, method, "/api/license/update?version=1&channel=beta", asked)).Status);
        var tag = (await Send(server, "GET", UpdatePath + "&channel=stable", asked)).Header("ETag")!;
        Assert.Equal(304, (await Send(server, "GET", UpdatePath + "&channel=stable", [.. asked, ("If-None-Match", tag)])).Status);
    }

    async Task AskInEveryWay(TestServer server, string method, string path, string key)
    {
        (string, string) auth = ("Authorization", $"Bearer {key}"), product = ("X-Product-ID", "1"), domain = ("X-Domain", "a.example"), problem = ("Accept", "application/problem+json");
        string KeyOf(long id, Action<LicenseOperations, long> change)
        {
            var license = server.Issue(id, "a.example");
            server.Operate(l => { change(l, license.Id); return 0; });
            return $"Bearer {license.LicenseKey}";
        }

        Assert.Equal(200, (await Send(server, method, path, auth, product, domain)).Status);
        Assert.Equal(200, (await Send(server, method, $"{path}{(path.Contains('?') ? '&' : '?')}domain=a.example&product_id=1", auth)).Status);
        await Send(server, method, path);
        await Send(server, method, path, problem);
        await Send(server, method, path, ("Authorization", "Bearer NO_SUCH_KEY"), product, domain, problem);
        await Send(server, method, path, auth, product);
        await Send(server, method, path, auth, domain);
        await Send(server, method, path, auth, ("X-Product-ID", "x"), domain);
        await Send(server, method, path, auth, product, ("X-Domain", "a..b"));
        await Send(server, method, path + (path.Contains('?') ? "&" : "?") + "domain=b.example", auth, product, domain);
        await Send(server, method, path, auth, product, ("X-Domain", "b.example"));
        await Send(server, method, path, auth, ("X-Product-ID", "2"), domain, problem);
        await Send(server, method, path, ("Authorization", KeyOf(1, (l, id) => l.Suspend(id))), product, domain);
        await Send(server, method, path, ("Authorization", KeyOf(1, (l, id) => l.Edit(id, new EditLicense(ExpiresAt: TestServer.Start)))), product, domain);
        await Send(server, method, path, ("Authorization", KeyOf(2, (_, _) => { })), ("X-Product-ID", "2"), domain);
        await Send(server, method, path, ("Authorization", KeyOf(3, (_, _) => { })), ("X-Product-ID", "3"), domain);
        if (method != "POST") return;
        await Send(server, method, path, auth, ("body", """{"domain":"a.example","product_id":"1"}"""));
        await Send(server, method, path, auth, ("body", "[]"));
        await Send(server, method, path, auth, ("body", "<x/>"), ("Content-Type", "application/xml"), problem);
        await Send(server, method, path, auth, ("body", new string(' ', 17_000)));
    }

    async Task Download(TestServer server, string key)
    {
        Task<string> Link() => server.Http.MintPathOf(key, "a.example", 1);
        var link = await Link();
        await Send(server, "HEAD", link);
        Assert.Equal(204, (await Send(server, "GET", link, ("Purpose", "prefetch"))).Status);
        Assert.Equal("text/html; charset=utf-8", (await Send(server, "GET", link, ("Accept", "text/html"))).Header("Content-Type"));
        var etag = (await Send(server, "HEAD", link + "/app.zip")).Header("ETag")!;
        await Send(server, "GET", link, ("Range", "bytes=900000-"), ("If-Range", etag));
        Assert.Equal(206, (await Send(server, "GET", link, ("Range", "bytes=0-99"))).Status);
        Assert.Equal(200, (await Send(server, "GET", link + "/app.zip")).Status);
        Assert.Equal(410, (await Send(server, "GET", link)).Status);
        await Send(server, "GET", link, ("Accept", "application/problem+json"));
        await Send(server, "HEAD", link);
        await Send(server, "GET", "/api/license/download-file/" + new string('0', 64));
        await Send(server, "HEAD", "/api/license/download-file/" + new string('0', 64));
        var old = await Link();
        server.Clock.Advance(TimeSpan.FromDays(1));
        await Send(server, "GET", old);
    }

    async Task Fail(TestServer server, string key)
    {
        var link = await server.Http.MintPathOf(key, "a.example", 1);
        Directory.Delete(server.Files.Place, recursive: true);
        await Send(server, "GET", link);
        await using var limited = await TestServer.Run(("RateLimit:RequestsPerMinute", "1"));
        for (var i = 0; i < 2; i++) await Send(limited, "GET", Ask.VerifyPath);
        await Send(limited, "POST", Ask.MintPath);
        await Send(limited, "HEAD", Ask.VerifyPath);
    }
}
