using System.Net.Sockets;

namespace Latchkey.Bench;

/// <summary>A server that this run started, on a port of its own.</summary>
sealed class Server(Child child, int port) : IAsyncDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    public int Port => port;
    public int Pid => child.Pid;
    public Uri Url => new($"http://127.0.0.1:{port}");

    /// <summary>Waits until it accepts connections.</summary>
    public Task<Server> Listening(CancellationToken stop) => Until(
        () =>
        {
            using var connection = new RawConnection(port);
            return true;
        },
        stop);

    /// <summary>Waits until <paramref name="ready"/> says so, taking a refused connection for "not yet".</summary>
    public async Task<Server> Until(Func<bool> ready, CancellationToken stop)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(stop);
        late.CancelAfter(Patience);
        try
        {
            while (!IsReady(ready)) await Task.Delay(Pause, late.Token);
            return this;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    bool IsReady(Func<bool> ready)
    {
        child.RequireAlive();
        try
        {
            return ready();
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public ValueTask DisposeAsync() => child.DisposeAsync();
}
