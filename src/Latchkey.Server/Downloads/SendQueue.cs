using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections.Features;

namespace Latchkey.Server.Downloads;

/// <summary>What a connection's socket still holds: bytes that the other side has not acknowledged (Linux, tcp(7), SIOCOUTQ).</summary>
sealed partial class SendQueue(HttpContext context)
{
    const ulong SiocOutQ = 0x5411;

    readonly Socket? _socket = OperatingSystem.IsLinux() ? context.Features.Get<IConnectionSocketFeature>()?.Socket : null;

    /// <summary>In bytes; 0 where it cannot be told.</summary>
    public int Waiting
    {
        get
        {
            try
            {
                return _socket is not null && Ioctl((int)_socket.Handle, SiocOutQ, out var bytes) == 0 ? bytes : 0;
            }
            catch (ObjectDisposedException)
            {
                return 0;
            }
        }
    }

    /// <summary>Completes when the client's system has taken all that was sent so far.</summary>
    /// <exception cref="OperationCanceledException">The transfer has ended before.</exception>
    public async Task Drained(CancellationToken running)
    {
        for (var pause = -10; Waiting > 0; pause = Math.Min(pause + 1, 20))
        {
            running.ThrowIfCancellationRequested();
            if (pause > 0) await Task.Delay(TimeSpan.FromMilliseconds(pause), TimeProvider.System, running);
            else await Task.Yield();
        }
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Ioctl(int descriptor, ulong request, out int value);
}
