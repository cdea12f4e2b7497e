using Latchkey.Server.Data;
using Latchkey.Server.Http;

namespace Latchkey.Server.Backups;

/// <summary>How backups stand, for people.</summary>
/// <param name="DoneAt">When the last one was complete; null: there is none.</param>
/// <param name="Place">Where it lies.</param>
/// <param name="Bytes">All that it consists of.</param>
/// <param name="CopiedBytes">What of it was not there before.</param>
/// <param name="Milliseconds">How long it took.</param>
/// <param name="Note">What it lacks; null: nothing.</param>
/// <param name="NextAt">When the next is to be there; null: there is no schedule.</param>
/// <param name="IsLate">It should have been there.</param>
/// <param name="FailedAt">When the last one failed; null: it did not.</param>
/// <param name="FailedBecause">Why.</param>
public sealed record BackupsView(
    string? DoneAt, string? Place, long Bytes, long CopiedBytes, long Milliseconds, string? Note, string? NextAt, bool IsLate, string? FailedAt, string? FailedBecause)
{
    internal static BackupsView Of(Database database, DateTimeOffset now)
    {
        var last = BackupResults.Read(database);
        var (done, failed) = (last.Done, last.HasFailed ? last.Failed : null);
        return new BackupsView(
            done is null ? null : Wire.Micros(done.At), done?.Place, done?.Bytes ?? 0, done?.CopiedBytes ?? 0, done?.Milliseconds ?? 0, done?.Sentence,
            done?.NextAt is { } next ? Wire.Micros(next) : null, last.IsLate(now), failed is null ? null : Wire.Micros(failed.At), failed?.Sentence);
    }
}
