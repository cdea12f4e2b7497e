using System.Diagnostics;
using Latchkey.Server.Data;

namespace Latchkey.Server.Backups;

/// <summary>One backup from its beginning to its end: alone over all nodes and commands, and noted whatever comes of it.</summary>
sealed class BackupRun(WriteQueue writes, Leases leases, TimeProvider clock)
{
    const string Lease = "backup";
    static readonly TimeSpan Duration = TimeSpan.FromMinutes(2);

    /// <param name="place">For people.</param>
    /// <param name="every">How often it is made; null: not by a schedule.</param>
    /// <param name="make">Makes it, and removes what is old.</param>
    /// <param name="stop">Ends it early.</param>
    /// <returns>Null if another is being made, or this node could not say for two minutes that it is at work: another may be then.</returns>
    public async Task<FinishedBackup?> Try(string place, TimeSpan? every, Func<CancellationToken, Task<FinishedBackup>> make, CancellationToken stop)
    {
        if (!await leases.TryTake(Lease, clock.GetUtcNow(), Duration)) return null;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var renewing = Renew(lost, end.Token);
        var (began, at) = (Stopwatch.GetTimestamp(), clock.GetUtcNow());
        try
        {
            var finished = await make(lost.Token);
            await BackupResults.Note(writes, new BackupResult
            {
                Outcome = BackupResult.Done,
                At = clock.GetUtcNow(),
                Milliseconds = Milliseconds(began),
                Place = place,
                Bytes = finished.Made.Manifest.Bytes,
                CopiedBytes = finished.Made.CopiedBytes,
                Sentence = finished.Lacks,
                NextAt = at + every,
            });
            return finished;
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // Who makes one by hand is told, and nobody else.
            if (every is not null) await NoteFailure(place, failure, Milliseconds(began));
            throw;
        }
        finally
        {
            await end.CancelAsync();
            await renewing;
            await leases.GiveBack(Lease);
        }
    }

    static long Milliseconds(long began) => (long)Stopwatch.GetElapsedTime(began).TotalMilliseconds;

    async Task NoteFailure(string place, Exception failure, long milliseconds)
    {
        try
        {
            await BackupResults.Note(writes, new BackupResult { Outcome = BackupResult.Failed, At = clock.GetUtcNow(), Milliseconds = milliseconds, Place = place, Sentence = failure.Message });
        }
        catch (StoreUnavailableException)
        {
            // Where it would be noted is what failed.
        }
    }

    /// <summary>Two at one place would remove what the other needs: it ends before another can begin.</summary>
    async Task Renew(CancellationTokenSource lost, CancellationToken end)
    {
        var renewed = clock.GetTimestamp();
        using var timer = new PeriodicTimer(Duration / 4, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(end))
            {
                try
                {
                    var began = clock.GetTimestamp();
                    if (await leases.TryTake(Lease, clock.GetUtcNow(), Duration)) renewed = began;
                    else await lost.CancelAsync();
                }
                catch (StoreUnavailableException)
                {
                    // There is another half a minute, but for the last.
                    if (clock.GetElapsedTime(renewed) >= Duration * 3 / 4) await lost.CancelAsync();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // It has come to its end.
        }
    }
}

/// <param name="Made">The backup.</param>
/// <param name="Removed">Older ones that went by the settings.</param>
/// <param name="Lacks">What it lacks, or could not be done beside it, in a sentence; null: nothing.</param>
sealed record FinishedBackup(MadeBackup Made, int Removed, string? Lacks);
