using System.Runtime.InteropServices;
using Latchkey.Server.Downloads;

namespace Latchkey.Server.Commands;

/// <summary>A stop waits for running downloads: this says so, and lets a second Ctrl+C not wait.</summary>
static class Shutdown
{
    public static IDisposable Watch(WebApplication app, TimeSpan patience)
    {
        var stopping = app.Lifetime.ApplicationStopping;
        var downloads = app.Services.GetRequiredService<DownloadPlaces>();
        stopping.Register(() =>
        {
            if (downloads.Running is > 0 and var running)
            {
                Console.Error.WriteLine($"Stopping, as soon as {running} running download{(running == 1 ? "" : "s")} ended, in {patience:c} at the latest. Ctrl+C again stops now.");
            }
        });
        return PosixSignalRegistration.Create(PosixSignal.SIGINT, _ =>
        {
            if (stopping.IsCancellationRequested) Environment.Exit(130);
        });
    }
}
