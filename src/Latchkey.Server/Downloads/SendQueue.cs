using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections.Features;

namespace Latchkey.Server.Downloads;

/// <summary>What a connection's socket still holds: bytes that the other side has not acknowledged (Linux, tcp(7), SIOCOUTQ).</summary>
static partial class SendQueue
{
    const ulong SiocOutQ = 0x5411;

    /// <summary>A client that takes nothing for so long is gone.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Completes when the client's system has taken all that was sent so far.</summary>
    /// <exception cref="OperationCanceledException">The client went away, or stopped reading.</exception>
    public static async Task Drained(HttpContext context, TimeProvider clock, CancellationToken running)
    {
        if (!OperatingSystem.IsLinux() || context.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket) return;
        var (left, since, pause) = (int.MaxValue, clock.GetTimestamp(), 0);
        while (true)
        {
            running.ThrowIfCancellationRequested();
            var now = Waiting(socket);
            if (now <= 0) return;
            if (now < left) (left, since) = (now, clock.GetTimestamp());
            else if (clock.GetElapsedTime(since) > Patience) throw new OperationCanceledException("the client stopped reading");
            await Task.Delay(TimeSpan.FromMilliseconds(pause = Math.Min(pause + 1, 20)), TimeProvider.System, running);
        }
    }

    static int Waiting(System.Net.Sockets.Socket socket)
    {
        try
        {
            return Ioctl((int)socket.Handle, SiocOutQ, out var bytes) == 0 ? bytes : 0;
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Ioctl(int descriptor, ulong request, out int value);
}
