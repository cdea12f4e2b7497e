using System.Diagnostics;
using System.Security.Cryptography;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Reliability;

/// <summary>The server is killed in the middle of downloads: each claimant goes on where it was, and nobody else.</summary>
public sealed class KillDownloadTests : IDisposable
{
    const int Clients = 6;

    readonly Shop _shop = new();
    readonly byte[] _file = RandomNumberGenerator.GetBytes(60_000_000);

    public void Dispose() => _shop.Dispose();

    Process Curl(string url, int client, bool slowly)
    {
        string[] slow = slowly ? ["--limit-rate", $"{2 + client}M"] : [];
        return Process.Start(new ProcessStartInfo("curl", ["-sS", "-f", "-C", "-", "-o", Path.Combine(_shop.Home, $"file{client}"), .. slow, url]) { RedirectStandardError = true })!;
    }

    [Fact]
    public async Task After_kill_9_and_a_restart_each_claimant_goes_on_with_curl_and_no_other_address_gets_anything()
    {
        await _shop.AddProduct();
        await _shop.Publish(1, _file);
        var key = (await _shop.Issue(1, "--domain", "example.com")).Key();
        var links = new List<string>();
        await using (var server = await _shop.Serve())
        {
            for (var i = 0; i < Clients; i++) links.Add(await server.Http.MintPathOf(key, "example.com", 1));
            var running = links.Select((link, client) => Curl(server.Url + link, client, slowly: true)).ToList();
            await Poll.Until(() => Task.FromResult(Enumerable.Range(0, Clients).Min(Got)), least => least > 500_000);
            await server.Kill();
            foreach (var curl in running)
            {
                await curl.WaitForExitAsync(TestContext.Current.CancellationToken);
                Assert.NotEqual(0, curl.ExitCode);
                curl.Dispose();
            }
        }

        Assert.All(Enumerable.Range(0, Clients), client => Assert.InRange(Got(client), 500_000, _file.Length - 1));
        await using (var server = await _shop.Serve("--TrustedProxies", "127.0.0.1"))
        {
            // The dead transfers' leases run out by themselves, within half a minute.
            var began = TimeProvider.System.GetTimestamp();
            await Task.WhenAll(links.Select((link, client) => Resume(server, link, client)));
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(45));
            foreach (var (client, link) in links.Index())
            {
                Assert.Equal(SHA256.HashData(_file), SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(_shop.Home, $"file{client}"), TestContext.Current.CancellationToken)));
                Assert.Equal(410, (await server.Http.Get(link)).Status);
            }
        }
    }

    long Got(int client) => new FileInfo(Path.Combine(_shop.Home, $"file{client}")) is { Exists: true } file ? file.Length : 0;

    async Task Resume(ServeProcess server, string link, int client)
    {
        await Poll.Until(async () =>
        {
            // Each time, for once the lease has run out nothing but the address stands in the way.
            Assert.Equal(410, (await server.Http.Get(link, ("X-Forwarded-For", "203.0.113.7"), ("Range", "bytes=1000-"))).Status);
            using var curl = Curl(server.Url + link, client, slowly: false);
            await curl.WaitForExitAsync();
            return curl.ExitCode;
        }, status => status == 0, seconds: 60);
    }
}
