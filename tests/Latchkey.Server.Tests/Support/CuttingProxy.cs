using System.Net;
using System.Net.Sockets;

namespace Latchkey.Server.Tests.Support;

/// <summary>A bad line between a client and the server: each connection breaks after so many bytes from the server, for both ends at once.</summary>
sealed class CuttingProxy : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly int _server;
    readonly Func<long> _next;
    long _carried;

    /// <param name="server">Its port.</param>
    /// <param name="next">Asked for each connection: after how many bytes it breaks.</param>
    public CuttingProxy(int server, Func<long> next)
    {
        (_server, _next) = (server, next);
        _listener.Start();
        _ = Accept();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Bytes from the server, heads included.</summary>
    public long Carried => Interlocked.Read(ref _carried);

    async Task Accept()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _ = Carry(await _listener.AcceptTcpClientAsync(_stop.Token), _next());
            }
            catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    async Task Carry(TcpClient client, long left)
    {
        using var server = new TcpClient { ReceiveBufferSize = 64 * 1024 };
        using (client)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _server, _stop.Token);
                using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                var asks = client.GetStream().CopyToAsync(server.GetStream(), over.Token);
                if (await Answers(server.GetStream(), client.GetStream(), left, over.Token))
                {
                    // What is on its way arrives; only a line that breaks loses it.
                    client.Client.Shutdown(SocketShutdown.Send);
                    await asks;
                    return;
                }

                await over.CancelAsync();
                await asks;
            }
            catch (Exception ended) when (ended is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // Either end has gone.
            }

            // A reset, and not a polite end.
            foreach (var socket in new[] { client, server }) socket.Client?.Close(0);
        }
    }

    /// <returns>The server has said all that it had to say.</returns>
    async Task<bool> Answers(NetworkStream from, NetworkStream to, long left, CancellationToken stop)
    {
        var buffer = new byte[16 * 1024];
        while (left > 0)
        {
            var read = await from.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), stop);
            if (read == 0) return true;
            await to.WriteAsync(buffer.AsMemory(0, read), stop);
            Interlocked.Add(ref _carried, read);
            left -= read;
        }

        return false;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
        _stop.Dispose();
    }
}
