using System.Net.Sockets;
using System.Security.Cryptography;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Reliability;

public sealed class ShutdownTests : IDisposable
{
    readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    /// <summary>The server has begun to stop: it takes no new connections.</summary>
    static Task HasClosedItsDoor(ServeProcess server) => Poll.Until(async () =>
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", new Uri(server.Url).Port);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }, closed => closed);

    async Task<(byte[] Content, string Link)> Prepare(ServeProcess server)
    {
        // More than two sockets hold between them, so that the server is still at it.
        var content = RandomNumberGenerator.GetBytes(32 * 1024 * 1024);
        await _shop.AddProduct();
        await _shop.Publish(1, content);
        return (content, await server.Http.MintPathOf((await _shop.Issue(1)).Key(), "example.com", 1));
    }

    [Fact]
    public async Task A_running_download_is_finished_first_and_the_exit_code_is_0()
    {
        var server = await _shop.Serve();
        var (content, link) = await Prepare(server);
        Task<int> ended;
        using (var response = await server.Http.GetAsync(link, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
            var received = new byte[content.Length];
            await body.ReadExactlyAsync(received.AsMemory(0, 100_000), TestContext.Current.CancellationToken);
            ended = server.Terminate();
            await HasClosedItsDoor(server);
            for (var read = 100_000; read < received.Length;)
            {
                var length = Math.Min(1_000_000, received.Length - read);
                await body.ReadExactlyAsync(received.AsMemory(read, length), TestContext.Current.CancellationToken);
                read += length;
            }

            Assert.Equal(SHA256.HashData(content), SHA256.HashData(received));
        }

        Assert.Equal(0, await ended);
        await server.DisposeAsync();
        await using var next = await _shop.Serve();
        Assert.Equal("DOWNLOAD_TOKEN_USED", (await next.Http.Get(link)).Code);
    }

    [Fact]
    public async Task A_download_that_takes_longer_than_the_shutdown_timeout_can_be_resumed_afterwards()
    {
        var server = await _shop.Serve("--ShutdownTimeout", "00:00:01");
        var (content, link) = await Prepare(server);
        using (var response = await server.Http.GetAsync(link, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
            await body.ReadExactlyAsync(new byte[100_000], TestContext.Current.CancellationToken);
            Assert.Equal(0, await server.Terminate().WaitAsync(TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken));
        }

        await server.DisposeAsync();
        await using var next = await _shop.Serve();
        var reply = await next.Http.Get(link);
        Assert.Equal(200, reply.Status);
        Assert.Equal(SHA256.HashData(content), SHA256.HashData(reply.Bytes));
    }

    [Fact]
    public async Task Ctrl_C_stops_it_with_exit_code_0()
    {
        await using var server = await ServeConsole.Run(_shop.Home, [], "--urls", "http://127.0.0.1:0");
        Assert.Equal(401, (await server.Http.Verify("UNKNOWN-KEY", "example.com", 1)).Status);
        Assert.Equal(0, await server.Interrupt().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_idle_server_stops_at_once()
    {
        await using var server = await _shop.Serve();
        Assert.Equal(401, (await server.Http.Verify("UNKNOWN-KEY", "example.com", 1)).Status);
        Assert.Equal(0, await server.Terminate().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        Assert.DoesNotContain("Exception", server.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("\"LogLevel\":\"Error\"", server.Log, StringComparison.Ordinal);
    }
}
