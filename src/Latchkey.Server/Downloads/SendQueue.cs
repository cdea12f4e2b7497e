using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Connections.Features;

namespace Latchkey.Server.Downloads;

/// <summary>
/// What a connection's socket still holds: bytes that the other side has not acknowledged (Linux, tcp(7), SIOCOUTQ).
/// It has a descriptor of its own, so that this can still be told when the connection has broken and its owner has closed it.
/// </summary>
sealed partial class SendQueue : IDisposable
{
    const ulong SiocOutQ = 0x5411;

    readonly int _descriptor = -1;

    public SendQueue(HttpContext context)
    {
        if (!OperatingSystem.IsLinux() || context.Features.Get<IConnectionSocketFeature>()?.Socket is not { } socket) return;
        try
        {
            _descriptor = Duplicate((int)socket.Handle);
        }
        catch (ObjectDisposedException)
        {
            // The client has gone already.
        }
    }

    /// <summary>In bytes; 0 where it cannot be told.</summary>
    public int Waiting => _descriptor >= 0 && Ioctl(_descriptor, SiocOutQ, out var bytes) == 0 ? bytes : 0;

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

    public void Dispose()
    {
        if (_descriptor >= 0) _ = Close(_descriptor);
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Duplicate(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Ioctl(int descriptor, ulong request, out int value);
}
