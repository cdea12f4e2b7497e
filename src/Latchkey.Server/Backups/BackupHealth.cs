namespace Latchkey.Server.Backups;

/// <summary>How the last backups went, as this server last saw it: for the metrics, which must not wait for a database.</summary>
sealed class BackupHealth
{
    volatile LastBackups _last = new(null, null);
    long _failures;

    public LastBackups Last { get => _last; set => _last = value; }

    /// <summary>Since this process began.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    public void Failed() => Interlocked.Increment(ref _failures);
}
