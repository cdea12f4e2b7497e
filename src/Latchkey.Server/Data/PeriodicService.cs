using System.Text.Json;
using Latchkey.Server.Telemetry;

namespace Latchkey.Server.Data;

/// <summary>
/// What is done every so often beside the requests, until the server stops. The clock runs from the moment the
/// server is put together, not from when a thread is free for it.
/// </summary>
/// <param name="every">From the beginning of one turn to that of the next.</param>
/// <param name="clock">Of this node.</param>
/// <param name="leases">So that one node does it for all; null: each does it for itself.</param>
abstract class PeriodicService(TimeSpan every, TimeProvider clock, Leases? leases = null) : BackgroundService
{
    readonly PeriodicTimer _timer = new(every, clock);
    readonly long _made = clock.GetTimestamp();
    bool _failed;

    protected DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>Goes on evenly, also where the time of day is set anew.</summary>
    protected TimeSpan Uptime => clock.GetElapsedTime(_made);

    /// <summary>One turn; the next comes after it, however long it takes. What it throws ends the service.</summary>
    protected abstract Task Do(CancellationToken stopping);

    /// <summary>This turn did not do what it should; the next will try again.</summary>
    protected void Failed() => _failed = true;

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(GetType().Name);
        Instruments.Background(name, isDone: null, Now);
        try
        {
            while (await _timer.WaitForNextTickAsync(stoppingToken))
            {
                if (!await IsOurs(name)) continue;
                _failed = false;
                await Do(stoppingToken);
                Instruments.Background(name, !_failed, Now);
            }
        }
        catch (OperationCanceledException)
        {
            await AtTheEnd();
        }
    }

    /// <summary>Whoever did it the last time goes on doing it; when that node is gone for two turns, another does.</summary>
    async Task<bool> IsOurs(string name)
    {
        try
        {
            return leases is null || await leases.TryTake(name, Now, 2 * every);
        }
        catch (StoreUnavailableException)
        {
            // What cannot say whose it is cannot be worked on either.
            return false;
        }
    }

    /// <summary>The server stops.</summary>
    protected virtual Task AtTheEnd() => Task.CompletedTask;

    public override void Dispose()
    {
        _timer.Dispose();
        base.Dispose();
    }
}
