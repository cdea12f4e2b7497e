using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Latchkey.Server.Downloads;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Downloads;

/// <summary>The once rule under races, interruptions and several processes.</summary>
public sealed class OnceTests
{
    static async Task<List<string>> Mint(HttpClient http, string key, int count)
    {
        var paths = new List<string>();
        foreach (var part in Enumerable.Range(0, count).Chunk(50)) paths.AddRange(await Task.WhenAll(part.Select(_ => http.MintPathOf(key, "example.com", 1))));
        return paths;
    }

    static async Task AssertOneEach(HttpClient[] clients, List<string> paths, byte[] file)
    {
        foreach (var path in paths)
        {
            var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var gets = clients.Select(async client =>
            {
                await start.Task;
                return await client.Get(path);
            }).ToList();
            start.SetResult();
            var replies = await Task.WhenAll(gets);
            var served = Assert.Single(replies, reply => reply.Status == 200);
            Assert.Equal(file, served.Bytes);
            Assert.All(replies.Where(reply => reply != served), reply => Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), (reply.Status, reply.Code)));
        }
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(600_000)]
    public async Task Of_32_clients_at_once_exactly_one_is_served_for_each_of_200_tokens(int size)
    {
        var file = RandomNumberGenerator.GetBytes(size);
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.Publish(1, file);
        var clients = Enumerable.Range(0, 32).Select(_ => server.Client()).ToArray();
        await AssertOneEach(clients, await Mint(server.Http, license.LicenseKey!, 200), file);
        foreach (var client in clients) client.Dispose();
    }

    [Fact]
    public async Task Two_server_processes_on_one_database_serve_each_token_once()
    {
        var data = TempDirectory.Make();
        (string, string)[] unlimited = [("LATCHKEY_RateLimit__RequestsPerMinute", "0"), ("LATCHKEY_RateLimit__FailuresPerMinute", "0")];
        await using (var one = await ServeProcess.Run(data, unlimited, "--demo"))
        await using (var two = await ServeProcess.Run(data, unlimited))
        {
            var key = one.Started.GetProperty("demo").GetProperty("license_key").GetString()!;
            var paths = await Mint(one.Http, key, 100);
            foreach (var path in paths)
            {
                var replies = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => (i % 2 == 0 ? one : two).Http.Get(path)));
                Assert.Single(replies, reply => reply.Status == 200);
                Assert.Equal(31, replies.Count(reply => reply.Status == 410));
            }
        }

        TempDirectory.Delete(data);
    }

    /// <summary>Each is interrupted first; then everybody goes on at once, over both processes.</summary>
    [Fact]
    public async Task Two_server_processes_on_one_database_let_one_go_on()
    {
        using var shop = new Shop();
        var file = RandomNumberGenerator.GetBytes(300_000);
        await shop.AddProduct();
        await shop.Publish(1, file);
        var key = (await shop.Issue(1, "--domain", "example.com")).Key();
        await using var one = await shop.Serve();
        await using var two = await shop.Serve();
        foreach (var path in await Mint(one.Http, key, 30))
        {
            Assert.Equal(206, (await two.Http.Get(path, ("Range", "bytes=0-99999"))).Status);
            var replies = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => (i % 2 == 0 ? one : two).Http.Get(path, ("Range", $"bytes={i * 1000}-"))));
            var served = Assert.Single(replies, reply => reply.Status is 200 or 206);
            Assert.Equal(file[^served.Bytes.Length..], served.Bytes);
            Assert.All(replies.Where(reply => reply != served), reply => Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), (reply.Status, reply.Code)));
        }
    }

    /// <summary>Reads a little, and hangs up.</summary>
    static async Task<byte[]> Interrupt(TestServer server, string path, int bytes)
    {
        using var client = new TcpClient { ReceiveBufferSize = 16 * 1024 };
        await client.ConnectAsync(IPAddress.Loopback, server.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"));
        var read = new List<byte>();
        var buffer = new byte[8192];
        while (IndexOfBody(read) is var body && (body < 0 || read.Count - body < bytes)) read.AddRange(buffer.AsSpan(0, await stream.ReadAsync(buffer)));
        client.Client.LingerState = new LingerOption(true, 0);
        return [.. read.Skip(IndexOfBody(read)).Take(bytes)];
    }

    static int IndexOfBody(List<byte> read)
    {
        var at = Encoding.Latin1.GetString([.. read.Take(4096)]).IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return at < 0 ? -1 : at + 4;
    }

    /// <summary>The server has noticed that the client is gone once it says so in its log.</summary>
    static async Task WaitForLog(TestServer server, string text, int times)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (server.Log.Lines.Count(line => line.Contains(text, StringComparison.Ordinal)) < times)
        {
            await Task.Delay(10, limit.Token);
            server.Clock.Advance(TimeSpan.FromMilliseconds(1));
        }
    }

    [Theory]
    [InlineData(300_000)]
    [InlineData(1_000_000)]
    [InlineData(5_000_000)]
    [InlineData(30_000_000)]
    public async Task An_interrupted_transfer_is_resumed_by_its_claimant_with_range_and_then_spent(int size)
    {
        var file = RandomNumberGenerator.GetBytes(size);
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.Publish(1, file);
        var path = await server.Http.MintPathOf(license.LicenseKey!, "example.com", 1);
        var got = new List<byte>(await Interrupt(server, path, 50_000));
        await WaitForLog(server, "Interrupted download token 1", 1);

        var rest = await server.Http.Get(path, ("Range", $"bytes={got.Count}-"), ("If-Range", $"\"{Convert.ToHexStringLower(SHA256.HashData(file))}\""));
        Assert.Equal(206, rest.Status);
        Assert.Equal(SHA256.HashData(file), SHA256.HashData([.. got, .. rest.Bytes]));
        Assert.Equal(410, (await server.Http.Get(path)).Status);
    }

    [Fact]
    public async Task An_interrupted_transfer_may_start_again_from_the_beginning()
    {
        var file = RandomNumberGenerator.GetBytes(5_000_000);
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.Publish(1, file);
        var path = await server.Http.MintPathOf(license.LicenseKey!, "example.com", 1);
        for (var times = 1; times <= 3; times++)
        {
            await Interrupt(server, path, 10_000);
            await WaitForLog(server, "Interrupted download token 1", times);
        }

        Assert.Equal(file, (await server.Http.Get(path)).Bytes);
        Assert.Equal(410, (await server.Http.Get(path)).Status);
    }

    [Fact]
    public async Task While_a_transfer_runs_nobody_gets_a_second_one_however_long_it_takes()
    {
        await using var server = await TestServer.Run(("Downloads:MinimumBytesPerSecond", "0"));
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.Publish(1, new byte[20_000_000]);
        var path = await server.Http.MintPathOf(license.LicenseKey!, "example.com", 1);
        using var response = await server.Http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        for (var beats = 0; beats < 12; beats++)
        {
            server.Clock.Advance(TimeSpan.FromSeconds(10));
            await server.Http.MintPathOf(license.LicenseKey!, "example.com", 1);
            Assert.Equal(410, (await server.Http.Get(path)).Status);
        }

        Assert.Equal(20_000_000, (await response.Content.ReadAsByteArrayAsync()).Length);
        Assert.Equal(410, (await server.Http.Get(path)).Status);
    }

    /// <summary>The connection is still there, but nobody reads: after half a minute the claimant may come back on another.</summary>
    [Fact]
    public async Task A_client_that_stops_reading_is_cut_and_may_resume()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.Publish(1, new byte[30_000_000]);
        var path = await server.Http.MintPathOf(license.LicenseKey!, "example.com", 1);
        using var stalled = await server.Http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        for (var beats = 0; beats < 2; beats++)
        {
            server.Clock.Advance(TimeSpan.FromSeconds(10));
            Assert.Equal(410, (await server.Http.Get(path)).Status);
        }

        server.Clock.Advance(TimeSpan.FromSeconds(10));
        server.Clock.Advance(TimeSpan.FromSeconds(10));
        await WaitForLog(server, "Interrupted download token 1", 1);
        Assert.Equal(30_000_000, (await server.Http.Get(path)).Bytes.Length);
    }

    [Fact]
    public async Task A_suspension_stops_the_next_claim_and_a_resumption_too()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.Publish(1, new byte[5_000_000]);
        var path = await server.Http.MintPathOf(license.LicenseKey!, "example.com", 1);
        await Interrupt(server, path, 10_000);
        await WaitForLog(server, "Interrupted download token 1", 1);
        server.Operate(l => l.Suspend("1"));
        Assert.Equal("DOWNLOAD_TOKEN_EXPIRED", (await server.Http.Get(path)).Code);
        server.Operate(l => l.Resume("1"));
        Assert.Equal(200, (await server.Http.Get(path)).Status);
    }

    [Fact]
    public async Task Past_the_cap_on_simultaneous_downloads_the_answer_is_503_and_the_token_unspent()
    {
        await using var server = await TestServer.Run(("Downloads:MaxConcurrent", "2"));
        var license = server.Operate(l => l.Issue(new IssueLicense(server.AddProduct().Id, ["example.com"])));
        server.Publish(1, new byte[20_000_000]);
        var paths = await Mint(server.Http, license.LicenseKey!, 3);
        var one = await server.Http.GetAsync(paths[0], HttpCompletionOption.ResponseHeadersRead);
        var two = await server.Http.GetAsync(paths[1], HttpCompletionOption.ResponseHeadersRead);
        var three = await server.Http.Get(paths[2]);
        Assert.Equal((503, "TOO_MANY_DOWNLOADS", "10"), (three.Status, three.Code, three.Header("Retry-After")));
        await one.Content.ReadAsByteArrayAsync();
        await two.Content.ReadAsByteArrayAsync();
        await WaitForLog(server, "Handed over", 2);
        Assert.Equal(200, (await server.Http.Get(paths[2])).Status);
    }

    /// <summary>Addresses are those of the clients, as a listed proxy tells them.</summary>
    [Theory]
    [InlineData("Downloads:PerAddress", "too many to this address")]
    [InlineData("Downloads:PerLicense", "too many of this license")]
    public async Task Past_the_cap_of_an_address_or_of_a_license_the_answer_is_503_and_the_token_unspent(string cap, string why)
    {
        await using var server = await TestServer.Run((cap, "1"), ("TrustedProxies:0", "127.0.0.1"));
        var isOfAddress = cap == "Downloads:PerAddress";
        var product = server.AddProduct();
        server.Publish(product.Id, new byte[20_000_000]);
        var (mine, other) = (server.Issue(product.Id, "example.com").LicenseKey!, server.Issue(product.Id, "example.com").LicenseKey!);
        async Task<string> Link(bool isSame) => await server.Http.MintPathOf(isSame ? mine : other, "example.com", 1);
        HttpRequestMessage Get(string path, string address) => new(HttpMethod.Get, path) { Headers = { { "X-Forwarded-For", address } } };
        using var client = server.Client();
        using var running = await client.SendAsync(Get(await Link(true), "203.0.113.1"), HttpCompletionOption.ResponseHeadersRead);

        var path = await Link(isSame: !isOfAddress);
        var refused = await server.Http.Read(Get(path, isOfAddress ? "203.0.113.1" : "203.0.113.2"));
        Assert.Equal((503, "TOO_MANY_DOWNLOADS", "10"), (refused.Status, refused.Code, refused.Header("Retry-After")));
        Assert.Single(server.Log.Lines, line => line.Contains($"Downloads are refused: {why}"));
        Assert.Equal(200, (await server.Http.Read(Get(await Link(isSame: isOfAddress), isOfAddress ? "203.0.113.2" : "203.0.113.1"))).Status);

        // However it ends, the place is free again.
        running.Dispose();
        client.Dispose();
        await WaitForLog(server, "Interrupted download token 1", 1);
        Assert.Equal(20_000_000, (await Poll.Until(() => server.Http.Read(Get(path, isOfAddress ? "203.0.113.1" : "203.0.113.2")), reply => reply.Status == 200)).Bytes.Length);
        await Poll.Until(() => Task.FromResult(server.Services.GetRequiredService<DownloadPlaces>().Remembered), left => left == 0);
    }
}
