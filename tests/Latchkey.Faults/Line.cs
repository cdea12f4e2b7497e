using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Latchkey.Faults;

/// <summary>
/// The network between one node and one server: it can be slow, reset every connection and refuse new ones, or swallow all
/// that is sent without a word.
/// </summary>
sealed class Line : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly ConcurrentDictionary<Socket, byte> _open = new();
    readonly int _server;
    readonly Task _accepting;
    volatile int _delay;
    volatile bool _isCut;
    volatile TaskCompletionSource? _hole;

    /// <param name="server">Its port.</param>
    public Line(int server)
    {
        _server = server;
        _listener.Start();
        _accepting = Accept();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>What is sent to the server arrives so many milliseconds later: the time of a round trip grows by as much.</summary>
    public void Delay(int milliseconds) => _delay = milliseconds;

    /// <summary>Connections are reset, and so is each that is tried.</summary>
    public void Cut()
    {
        _isCut = true;
        foreach (var socket in _open.Keys) Reset(socket);
    }

    /// <summary>Nothing arrives any more, in either direction, and nobody is told.</summary>
    public void Swallow() => _hole ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>As it should be. Connections that lost something are reset, as a router that has forgotten them does.</summary>
    public void Restore()
    {
        (_delay, _isCut) = (0, false);
        if (Interlocked.Exchange(ref _hole, null) is not { } hole) return;
        foreach (var socket in _open.Keys) Reset(socket);
        hole.SetResult();
    }

    static void Reset(Socket socket)
    {
        try
        {
            socket.Close(0);
        }
        catch (SocketException)
        {
            // It is gone already.
        }
    }

    async Task Accept()
    {
        while (true)
        {
            try
            {
                var client = await _listener.AcceptSocketAsync(_stop.Token);
                if (_isCut) Reset(client);
                else _ = Carry(client);
            }
            catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    async Task Carry(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        (client.NoDelay, server.NoDelay) = (true, true);
        _open[client] = 0;
        _open[server] = 0;
        try
        {
            await Pass();
            await server.ConnectAsync(IPAddress.Loopback, _server, _stop.Token);
            if (_isCut) return;
            await Task.WhenAny(Pump(client, server, isToServer: true), Pump(server, client, isToServer: false));
        }
        catch (Exception ended) when (ended is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The server is not there.
        }
        finally
        {
            foreach (var socket in new[] { client, server })
            {
                _open.TryRemove(socket, out _);
                socket.Dispose();
            }
        }
    }

    /// <summary>Pieces leave in order, each when its time has come: a slow line is not a narrow one.</summary>
    async Task Pump(Socket from, Socket to, bool isToServer)
    {
        var pieces = System.Threading.Channels.Channel.CreateBounded<(byte[] Bytes, long At)>(1024);
        var sending = Send(pieces.Reader, to);
        var buffer = new byte[64 * 1024];
        try
        {
            for (int read; (read = await from.ReceiveAsync(buffer, _stop.Token)) > 0;)
            {
                await pieces.Writer.WriteAsync((buffer[..read], Environment.TickCount64 + (isToServer ? _delay : 0)), _stop.Token);
            }
        }
        catch (Exception ended) when (ended is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Either end is gone.
        }

        pieces.Writer.Complete();
        await sending;
    }

    async Task Send(System.Threading.Channels.ChannelReader<(byte[] Bytes, long At)> pieces, Socket to)
    {
        try
        {
            await foreach (var (bytes, at) in pieces.ReadAllAsync(_stop.Token))
            {
                if (at - Environment.TickCount64 is > 0 and var early) await Task.Delay((int)early, _stop.Token);
                await Pass();
                for (var sent = 0; sent < bytes.Length;) sent += await to.SendAsync(bytes.AsMemory(sent), _stop.Token);
            }
        }
        catch (Exception ended) when (ended is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Either end is gone.
        }
    }

    Task Pass() => _hole?.Task.WaitAsync(_stop.Token) ?? Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }
}
