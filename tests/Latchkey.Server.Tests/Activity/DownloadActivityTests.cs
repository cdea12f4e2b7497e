using System.Net;
using System.Net.Sockets;
using System.Text;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Activity;

/// <summary>Mints and downloads, as they ended.</summary>
public sealed class DownloadActivityTests
{
    static async Task<(TestServer Server, string Key)> Open(int size)
    {
        var server = await TestServer.Run();
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey!;
        if (size > 0) server.Publish(1, new byte[size]);
        return (server, key);
    }

    static string[] Downloads(TestServer server) =>
        server.Rows("SELECT product_id, outcome, count, bytes FROM activity_hours WHERE kind = 2 ORDER BY outcome");

    [Fact]
    public async Task A_download_counts_with_its_bytes_and_the_next_try_as_refused_with_its_license()
    {
        var (server, key) = await Open(100_000);
        await using var _ = server;
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        await server.Http.Read(new HttpRequestMessage(HttpMethod.Head, path));
        await server.Http.Get(path);
        await server.Http.Get(path);
        await server.Counted(3);
        Assert.Equal(["1 DOWNLOAD_TOKEN_USED 1 0", "1 OK 1 100000"], Downloads(server));
        Assert.Equal(
            ["1 1 1 OK example.com 127.0.0.1 1", "1 1 2 DOWNLOAD_TOKEN_USED  127.0.0.1 1", "1 1 2 OK  127.0.0.1 1"],
            server.Details());
    }

    [Fact]
    public async Task A_part_without_the_end_is_no_finished_download()
    {
        var (server, key) = await Open(100_000);
        await using var _ = server;
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        Assert.Equal(10, (await server.Http.Get(path, ("Range", "bytes=0-9"))).Bytes.Length);
        await server.Counted(2);
        Assert.Equal(["1 PARTIAL 1 10"], Downloads(server));
    }

    [Fact]
    public async Task A_transfer_that_breaks_off_counts_as_interrupted_with_what_was_handed_over()
    {
        const int size = 30_000_000;
        var (server, key) = await Open(size);
        await using var _ = server;
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        using (var client = new TcpClient { ReceiveBufferSize = 16 * 1024 })
        {
            await client.ConnectAsync(IPAddress.Loopback, server.Port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"));
            await client.GetStream().ReadExactlyAsync(new byte[50_000]);
            client.Client.LingerState = new LingerOption(true, 0);
        }

        await server.WaitForLog("Interrupted download token 1");
        await server.Counted(2);
        Assert.Equal(1, server.Sum("SELECT count FROM activity WHERE kind = 2 AND outcome = 'INTERRUPTED' AND license_id = 1"));
        Assert.InRange(server.Sum("SELECT bytes FROM activity_hours WHERE kind = 2 AND outcome = 'INTERRUPTED' AND product_id = 1"), 49_000, size - 1);
    }

    [Fact]
    public async Task A_file_that_is_missing_counts_as_unavailable_with_its_license()
    {
        var (server, key) = await Open(1000);
        await using var _ = server;
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        Directory.Delete(server.Files.Place, recursive: true);
        Assert.Equal(503, (await server.Http.Get(path)).Status);
        await server.Counted(2);
        Assert.Equal(["1 SERVICE_UNAVAILABLE 1 0"], Downloads(server));
        Assert.Contains("1 1 2 SERVICE_UNAVAILABLE  127.0.0.1 1", server.Details());
    }

    [Fact]
    public async Task A_mint_that_is_refused_counts_with_its_reason()
    {
        var (server, key) = await Open(0);
        await using var _ = server;
        server.AddProduct(apiDownload: false);
        var other = server.Issue(2, "example.com").LicenseKey!;
        await server.Http.Mint(key, "example.com", 1);
        await server.Http.Mint(other, "example.com", 2);
        await server.Counted(2);
        Assert.Equal(["1 1 1 NO_DOWNLOADABLE_FILE example.com 127.0.0.1 1", "2 2 1 API_DOWNLOAD_DISABLED example.com 127.0.0.1 1"], server.Details());
    }

    [Fact]
    public async Task A_mint_that_could_not_be_written_counts_as_unavailable_and_not_as_made()
    {
        var (server, key) = await Open(1000);
        await using var _ = server;
        using (server.HoldWriteLock()) Assert.Equal(503, (await server.Http.Mint(key, "example.com", 1)).Status);
        await server.Counted(1);
        Assert.Equal(["01 00 0 1 SERVICE_UNAVAILABLE 1"], server.Hours());
    }
}
