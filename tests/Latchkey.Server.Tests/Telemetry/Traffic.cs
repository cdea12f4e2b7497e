using Latchkey.Server.Tests.Support;
using Microsoft.Data.Sqlite;

namespace Latchkey.Server.Tests.Telemetry;

/// <summary>A server as a process of its own, so that nobody else's requests are in its metrics, and requests of every kind to it.</summary>
sealed class Traffic : IAsyncDisposable
{
    public const string Key = "KNOWN_Canary_7f3a";
    public const string WrongKey = "UNKNOWN_Canary_7f3a";
    const int Size = 40 << 20;

    readonly Shop _shop = new();
    readonly HttpClient _metrics = new(new SocketsHttpHandler { UseProxy = false });

    public ServeProcess Server { get; private set; } = null!;

    /// <summary>Texts that must be nowhere.</summary>
    public List<string> Canaries { get; } = [Key, WrongKey, "Canary"];

    public static async Task<Traffic> Run(params (string Name, string Value)[] settings)
    {
        var traffic = new Traffic();
        var shop = traffic._shop;
        await shop.AddProduct();
        await shop.Publish(1, new byte[Size]);
        await shop.Issue(1, "--domain", "example.com", "--key", Key);
        (string, string)[] environment = [.. settings.Select(s => ("LATCHKEY_" + s.Name.Replace(":", "__"), s.Value.Replace("HOME", shop.Home)))];
        if (settings.Any(s => s.Name == "Backup:To")) Assert.Equal(0, (await Cli.Run(["backup", "--data", shop.Data], environment)).Status);
        traffic.Server = await ServeProcess.Run(
            shop.Data, [("LATCHKEY_RateLimit__RequestsPerMinute", "1000"), ("LATCHKEY_RateLimit__FailuresPerMinute", "3"), .. environment]);
        return traffic;
    }

    public async Task<Scrape> Read()
    {
        var url = Server.Log.Split("Metrics are served on ")[1].Split('"')[0];
        return Scrape.Parse((await _metrics.Get($"{url}/metrics")).Text);
    }

    /// <summary>Two good verifications, one refused; an update check; three links, of which one is used, one broken off and gone on with, one left.</summary>
    public async Task Customers()
    {
        var http = Server.Http;
        Assert.Equal(200, (await http.Verify(Key, "example.com", 1)).Status);
        Assert.Equal(200, (await http.Verify(Key, "www.example.com", 1)).Status);
        Assert.Equal(403, (await http.Verify(Key, "other.example.org", 1)).Status);
        Assert.Equal(200, (await http.Read(Ask.Request(HttpMethod.Get, "/api/license/update?version=0.1.0", Key, "example.com", 1))).Status);
        var links = new List<string>();
        for (var i = 0; i < 3; i++) links.Add(await http.MintPathOf(Key, "example.com", 1));
        Canaries.AddRange(links.Select(link => link.Split('/')[^1]));
        Assert.Equal(Size, (await http.Get(links[0])).Bytes.Length);
        Assert.Equal(410, (await http.Get(links[0])).Status);
        await BreakOff(links[1]);
        await Poll.Until(() => http.Get(links[1]), reply => reply.Status == 200);
    }

    async Task BreakOff(string link)
    {
        using var client = new HttpClient { BaseAddress = Server.Http.BaseAddress };
        using var answer = await client.GetAsync(link, HttpCompletionOption.ResponseHeadersRead);
        await (await answer.Content.ReadAsStreamAsync()).ReadExactlyAsync(new byte[1000]);
    }

    /// <summary>Canaries wherever a client can put them; the last wrong keys meet the limit.</summary>
    public async Task Strangers()
    {
        var http = Server.Http;
        foreach (var text in Canaries.ToList())
        {
            foreach (var path in new[] { $"/{text}", $"/api/license/{text}", $"/api/license/download-file/{text}/a/b", $"/admin/{text}", $"/api/admin/products/{text}", $"/?key={text}", $"{Ask.VerifyPath}?domain={text}" }) await http.Get(path);
            var request = Ask.Request(HttpMethod.Get, "/", text, text, text);
            foreach (var name in new[] { "User-Agent", "Referer", "X-Request-ID", "X-Forwarded-For", "X-Forwarded-Host", "Cookie", "baggage" }) request.Headers.TryAddWithoutValidation(name, $"key={text}");
            request.Headers.TryAddWithoutValidation("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
            request.Headers.TryAddWithoutValidation("tracestate", $"vendor={text}");
            request.Headers.Host = $"{text.Replace('_', '-')}.example.com";
            await http.Read(request);
            await http.Read(new HttpRequestMessage(new HttpMethod(text.Replace('_', '-')), Ask.VerifyPath));
        }

        for (var i = 0; i < 5; i++) await http.Verify(WrongKey + i, "example.com", 1);
    }

    /// <summary>Somebody else holds the database: what must write is answered 503, and the work beside the requests fails for once.</summary>
    public async Task Trouble(Func<Task<bool>> isSeen)
    {
        using (var other = new SqliteConnection($"Data Source={_shop.Database};Pooling=False"))
        {
            other.Open();
            using var hold = other.CreateCommand();
            hold.CommandText = "BEGIN IMMEDIATE";
            hold.ExecuteNonQuery();
            Assert.Equal(503, (await Server.Http.Mint(Key, "example.com", 1)).Status);
            await Poll.Until(isSeen, seen => seen);
        }

        Assert.Equal(200, (await Server.Http.Mint(Key, "example.com", 1)).Status);
    }

    /// <summary>An operator's program, and a page of the panel.</summary>
    public async Task Operators()
    {
        var key = (await _shop.Do("api-key", "add", "--name", "script", "--scope", "licenses:read")).GetProperty("key").GetString()!;
        Canaries.Add(key);
        Assert.Equal(200, (await Server.Http.Get("/api/admin/licenses", ("Authorization", $"Bearer {key}"))).Status);
        Assert.True((await Server.Http.Get("/admin/sign-in")).Status < 500);
    }

    public async ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        await Server.DisposeAsync();
        _shop.Dispose();
    }
}
