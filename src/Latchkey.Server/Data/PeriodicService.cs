namespace Latchkey.Server.Data;

/// <summary>
/// What is done every so often beside the requests, until the server stops. The clock runs from the moment the
/// server is put together, not from when a thread is free for it.
/// </summary>
abstract class PeriodicService(TimeSpan every, TimeProvider clock) : BackgroundService
{
    readonly PeriodicTimer _timer = new(every, clock);

    protected DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>One turn; the next comes after it, however long it takes. What it throws ends the service.</summary>
    protected abstract Task Do(CancellationToken stopping);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await _timer.WaitForNextTickAsync(stoppingToken)) await Do(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            await AtTheEnd();
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
