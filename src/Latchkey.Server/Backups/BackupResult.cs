using Latchkey.Server.Data;

namespace Latchkey.Server.Backups;

/// <summary>How the last backup went: one row of the last that was made, one of the last that was not.</summary>
sealed class BackupResult
{
    public const string Done = "done";
    public const string Failed = "failed";

    /// <summary><c>done</c> or <c>failed</c>.</summary>
    public required string Outcome { get; set; }

    /// <summary>Its end.</summary>
    public DateTimeOffset At { get; set; }

    public long Milliseconds { get; set; }

    /// <summary>Where to.</summary>
    public required string Place { get; set; }

    /// <summary>All that the backup consists of.</summary>
    public long Bytes { get; set; }

    /// <summary>That were not there yet.</summary>
    public long CopiedBytes { get; set; }

    /// <summary>Why it failed; or what it lacks, null if nothing.</summary>
    public string? Sentence { get; set; }

    /// <summary>When the next is to be there, by the schedule; null: nobody waits for one.</summary>
    public DateTimeOffset? NextAt { get; set; }
}

/// <summary>They are in the database, so that every node tells of them, and a restart forgets none.</summary>
static class BackupResults
{
    const string NoteSql = """
        INSERT INTO backup_results (outcome, at, milliseconds, place, bytes, copied_bytes, sentence, next_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (outcome) DO UPDATE SET at = excluded.at, milliseconds = excluded.milliseconds, place = excluded.place, bytes = excluded.bytes,
            copied_bytes = excluded.copied_bytes, sentence = excluded.sentence, next_at = excluded.next_at
        WHERE backup_results.next_at IS NULL OR excluded.next_at IS NOT NULL
        """;

    // The last is the last, also where the clock went back since the one before.
    const string LastSql = "UPDATE backup_results SET at = $2 - 1 WHERE outcome <> $1 AND at >= $2 AND EXISTS (SELECT 1 FROM backup_results WHERE outcome = $1 AND at = $2)";

    /// <summary>One that somebody makes beside the schedule does not take the place of the schedule's last.</summary>
    public static Task Note(WriteQueue writes, BackupResult result) => writes.Run(
    [
        new(NoteSql, result.Outcome, UnixMicroseconds.From(result.At), result.Milliseconds, result.Place, result.Bytes, result.CopiedBytes, result.Sentence ?? Null.Text,
        result.NextAt is { } next ? UnixMicroseconds.From(next) : Null.Number),
        new(LastSql, result.Outcome, UnixMicroseconds.From(result.At)),
    ]);

    /// <summary>There is no schedule any more: nobody waits for the next.</summary>
    public static Task ForgetSchedule(WriteQueue writes) => writes.Run("UPDATE backup_results SET next_at = NULL WHERE next_at IS NOT NULL");

    /// <exception cref="System.Data.Common.DbException">The database does not answer.</exception>
    public static LastBackups Read(Database database)
    {
        using var connection = database.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT outcome, at, milliseconds, place, bytes, copied_bytes, sentence, next_at FROM backup_results";
        using var rows = command.ExecuteReader();
        var all = new List<BackupResult>();
        while (rows.Read())
        {
            all.Add(new BackupResult
            {
                Outcome = rows.GetString(0),
                At = UnixMicroseconds.To(rows.GetInt64(1)),
                Milliseconds = rows.GetInt64(2),
                Place = rows.GetString(3),
                Bytes = rows.GetInt64(4),
                CopiedBytes = rows.GetInt64(5),
                Sentence = rows.IsDBNull(6) ? null : rows.GetString(6),
                NextAt = rows.IsDBNull(7) ? null : UnixMicroseconds.To(rows.GetInt64(7)),
            });
        }

        return new LastBackups(all.Find(result => result.Outcome == BackupResult.Done), all.Find(result => result.Outcome == BackupResult.Failed));
    }
}

/// <param name="Done">The last that was made.</param>
/// <param name="Failed">The last that was not.</param>
sealed record LastBackups(BackupResult? Done, BackupResult? Failed)
{
    static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    /// <summary>The last one failed.</summary>
    public bool HasFailed => Failed is not null && (Done is null || Failed.At > Done.At);

    /// <summary>One should be there, and is not.</summary>
    public bool IsLate(DateTimeOffset now) => !HasFailed && Done?.NextAt is { } next && now > next + Grace;
}
