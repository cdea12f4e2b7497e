using System.Net;
using System.Net.Sockets;

namespace Latchkey.Bench;

/// <summary>Reads a download at a steady speed, so that all of them run at once and every buffer on the way is full.</summary>
/// <param name="port">Of the server.</param>
/// <param name="request">With a token of its own.</param>
/// <param name="bytesPerSecond">About so many.</param>
sealed class SlowClient(int port, byte[] request, int bytesPerSecond = SlowClient.Usual)
{
    const int Usual = 10_000_000;
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    /// <summary>A hundred lines as customers have them: phones, homes, offices, and a few data centers; about 200 MB/s together.</summary>
    public static int OfMixed(int client) => (client % 20) switch
    {
        < 8 => 100_000,
        < 16 => 1_000_000,
        < 19 => 5_000_000,
        _ => 20_000_000,
    };

    public long Received { get; private set; }

    /// <exception cref="BenchException">It was no file, or not all of one until the time was over.</exception>
    public async Task Run(CancellationToken over)
    {
        // A slow line holds little: with the usual buffer of loopback, tens of megabytes, the server would see it stand still.
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 256 * 1024 };
        await socket.ConnectAsync(IPAddress.Loopback, port, over);
        await socket.SendAsync(request, over);
        var buffer = new byte[Math.Max(1024, (int)(bytesPerSecond * Pause.TotalSeconds))];
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
