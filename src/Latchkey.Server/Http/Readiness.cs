using System.Text.Json;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Latchkey.Server.RateLimits;

namespace Latchkey.Server.Http;

/// <summary>
/// For a load balancer: <c>/livez</c> says that the process runs, <c>/readyz</c> that it should be sent requests, and which
/// dependency is in the way. A stop is said first and done after <c>ShutdownDelay</c>, so that nobody is sent to a door that closes.
/// </summary>
sealed class Readiness(LicenseLookup licenses, BlobHealth blobs, LimitsHealth limits, Settings settings, TimeProvider clock) : IHostedLifecycleService
{
    volatile bool _draining;

    public static void Map(WebApplication app)
    {
        var readiness = app.Services.GetRequiredService<Readiness>();
        app.MapMethods("/livez", ["GET", "HEAD"], context => Write(context, 200, new Dictionary<string, string> { ["status"] = "ok" }));
        app.MapMethods("/readyz", ["GET", "HEAD"], readiness.Ready);
    }

    async Task Ready(HttpContext context)
    {
        var parts = new Dictionary<string, string>
        {
            ["database"] = await Database() ? "ok" : "down",
            ["store"] = blobs.Store is null ? "ok" : "down",
        };
        if (settings.Redis.Options is not null) parts["redis"] = limits.PerNodeSince is null ? "ok" : "degraded";

        // Without Redis, or with downloads failing on every node alike, this node is as good as any other.
        var isReady = !_draining && parts["database"] == "ok";
        parts["status"] = _draining ? "draining" : isReady ? "ok" : "unavailable";
        if (!isReady) context.Response.Headers.RetryAfter = "5";
        await Write(context, isReady ? 200 : 503, parts);
    }

    async Task<bool> Database()
    {
        try
        {
            await licenses.Find("", clock.GetUtcNow());
            return true;
        }
        catch (Exception failure) when (StoreUnavailableException.From(failure) is not null)
        {
            return false;
        }
    }

    static Task Write(HttpContext context, int status, Dictionary<string, string> parts)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(JsonSerializer.Serialize(parts) + "\n");
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _draining = true;
        if (settings.ShutdownDelay > TimeSpan.Zero) await Task.Delay(settings.ShutdownDelay, TimeProvider.System, cancellationToken);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
