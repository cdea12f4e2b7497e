using Latchkey.Server.Configuration;
using Latchkey.Server.Data;

namespace Latchkey.Server.Backups;

/// <summary>
/// Looks every minute whether a backup is due, on whichever node comes first, and makes it. When one is due is in the
/// database: a restart neither forgets nor repeats it. After one that failed the next is tried within an hour.
/// </summary>
sealed partial class BackupSchedule(
    DataDirectory data, Settings settings, WriteQueue writes, Leases leases, BackupHealth health, TimeProvider clock, ILogger<BackupSchedule> log) : PeriodicService(TimeSpan.FromMinutes(1), clock)
{
    static readonly TimeSpan Again = TimeSpan.FromHours(1);

    // By how much clocks may be apart.
    static readonly TimeSpan Ahead = TimeSpan.FromMinutes(5);

    readonly ScheduledBackup _backup = new(data, settings, settings.Backup.HasFiles, settings.Backup.Keep, clock);
    readonly BackupRun _run = new(writes, leases, clock);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (settings.Backup is { To: not null, Passphrase: null }) NoPassphrase();
        Look();
        return base.StartAsync(cancellationToken);
    }

    /// <summary>So that a scrape right after a start does not find nothing.</summary>
    void Look()
    {
        try
        {
            health.Last = BackupResults.Read(data.Database);
        }
        catch (System.Data.Common.DbException failure)
        {
            NotLooked(failure.Message);
        }
    }

    protected override async Task Do(CancellationToken stopping)
    {
        try
        {
            health.Last = BackupResults.Read(data.Database);
            if (settings.Backup.To is not { } to)
            {
                if (health.Last.Done?.NextAt is not null) await BackupResults.ForgetSchedule(writes);
                return;
            }

            if (!IsDue(health.Last)) return;
            await Make(to, stopping);
            health.Last = BackupResults.Read(data.Database);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            NotLooked(failure.Message);
            Failed();
        }
    }

    bool IsDue(LastBackups last)
    {
        var every = settings.Backup.Every;
        if (last.HasFailed) return IsOver(last.Failed!.At + (every < Again ? every : Again), every < Again ? every : Again);
        return last.Done is null || IsOver(last.Done.NextAt ?? last.Done.At + every, every);
    }

    /// <summary>A time that is further off than the whole period was written by a clock that was wrong.</summary>
    bool IsOver(DateTimeOffset time, TimeSpan period) => Now >= time || time > Now + period + Ahead;

    async Task Make(string to, CancellationToken stopping)
    {
        try
        {
            var finished = await _run.Try(to, settings.Backup.Every, MakeOne, stopping);
            if (finished is null) return;
            Made(to, finished.Made.Manifest.Bytes, finished.Made.CopiedBytes, finished.Removed);
            if (finished.Lacks is { } lacks) Lacks(lacks);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            NotMade(to, failure.Message);
            health.Failed();
            Failed();
            health.Last = BackupResults.Read(data.Database);
        }
    }

    /// <summary>Away from the clock's thread: it copies and hashes for long.</summary>
    Task<FinishedBackup> MakeOne(CancellationToken stop) => Task.Run(
        async () =>
        {
            var passphrase = settings.Backup.Passphrase ?? throw new OperationException($"There is no passphrase: set {BackupSettings.PassphraseVariable} for the server.");
            using var place = BackupPlaces.Of(settings.Backup.To!, settings);
            return await _backup.Make(place, passphrase, stop);
        },
        stop);

    [LoggerMessage(80, LogLevel.Information, "Backed up to {Place}: {Bytes} bytes, of which {Copied} were not there yet; {Removed} older backups went")]
    partial void Made(string place, long bytes, long copied, int removed);

    [LoggerMessage(81, LogLevel.Error, "There is no backup in {Place}: {Reason}")]
    partial void NotMade(string place, string reason);

    [LoggerMessage(82, LogLevel.Warning, "The backup is not complete: {Reason}")]
    partial void Lacks(string reason);

    [LoggerMessage(83, LogLevel.Warning, "It was not seen whether a backup is due: {Reason}")]
    partial void NotLooked(string reason);

    [LoggerMessage(84, LogLevel.Error, "Backup:To is set, but LATCHKEY_BACKUP_PASSPHRASE is not: no backup will be made")]
    partial void NoPassphrase();
}
