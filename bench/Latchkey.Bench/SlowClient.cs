using System.Net;
using System.Net.Sockets;

namespace Latchkey.Bench;

/// <summary>Reads a download at about 10 MB/s, so that all of them run at once and every buffer on the way is full.</summary>
sealed class SlowClient(int port, byte[] request)
{
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    public long Received { get; private set; }

    /// <exception cref="BenchException">It was no file, or not all of one until the time was over.</exception>
    public async Task Run(CancellationToken over)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, over);
        await socket.SendAsync(request, over);
        var buffer = new byte[256 * 1024];
        try
        {
            while (true)
            {
                var read = await socket.ReceiveAsync(buffer, over);
                if (Received == 0 && !buffer.AsSpan(0, read).StartsWith("HTTP/1.1 200 "u8)) throw new BenchException("a download was refused");
                if (read == 0) throw new BenchException("a download ended early");
                Received += read;
                await Task.Delay(Pause, over);
            }
        }
        catch (OperationCanceledException)
        {
            // A gigabyte at this speed takes longer than anybody wants to wait: what counts is the memory on the way.
        }
    }
}
