using Latchkey.Server.Configuration;
using Latchkey.Server.Data;

namespace Latchkey.Server.Activity;

/// <summary>Forgets the details of long ago, an hour at a time; the counts per hour are kept for good.</summary>
sealed partial class ActivitySweep(WriteQueue writes, Settings settings, TimeProvider clock, ILogger<ActivitySweep> log) : BackgroundService
{
    const string Sql = """
        DELETE FROM activity WHERE id IN (SELECT id FROM activity WHERE first_at < $1 ORDER BY first_at LIMIT 1000)
        """;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await Sweep(stoppingToken);
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    async Task Sweep(CancellationToken stopping)
    {
        try
        {
            var before = UnixMicroseconds.From(clock.GetUtcNow() - TimeSpan.FromDays(settings.Activity.KeepDays));
            var (total, swept) = (0, 0);
            do total += swept = await writes.Run(session => session.Execute(Sql, before));
            while (swept > 0 && !stopping.IsCancellationRequested);
            if (total > 0) Swept(total, settings.Activity.KeepDays);
        }
        catch (Exception failure)
        {
            // There is another hour.
            NotSwept(failure.Message);
        }
    }

    [LoggerMessage(62, LogLevel.Information, "Forgot {Count} details of activity of over {Days} days ago")]
    partial void Swept(int count, int days);

    [LoggerMessage(63, LogLevel.Warning, "Old details of activity were not swept: {Reason}")]
    partial void NotSwept(string reason);
}
