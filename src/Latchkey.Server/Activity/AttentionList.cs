using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Backups;
using Latchkey.Server.Blobs;

namespace Latchkey.Server.Activity;

/// <summary>What needs somebody: of the last 24 hours, and as things stand.</summary>
sealed class AttentionList(UnitOfWork work, DateTimeOffset now)
{
    public const int GuessesThatCount = 20;

    // The worst of a kind are enough to begin with.
    const int MostOfAKind = 20;

    // Details are of an hour at most (a verified day apart): found by their beginning, they may reach into the day.
    const string LastDay = "a.first_at >= $1 - 3600000000 AND a.last_at >= $1";

    static readonly string[] Severities = ["error", "warning", "info"];

    readonly DateTimeOffset _since = now.AddDays(-1);

    public IReadOnlyList<AttentionView> Make() =>
        [.. new[] { Store(), Files(), Backups(), Limits(), Disk(), FailedDownloads(), ProductsWithoutRelease(), Mismatches(), Guesses(), Dropped() }
            .SelectMany(some => some).OrderBy(item => Array.IndexOf(Severities, item.Severity))];

    /// <summary>A domain that has been bound since, or one above it with a wildcard, needs nobody.</summary>
    List<AttentionView> Mismatches() => work.Query(
        $"""
        SELECT license_id, max(product_id), sum(n), count(*), max(CASE WHEN place = 1 THEN domain END) FROM
          (SELECT license_id, max(product_id) AS product_id, domain, sum(count) AS n,
             row_number() OVER (PARTITION BY license_id ORDER BY sum(count) DESC, domain) AS place FROM activity a
           WHERE {LastDay} AND a.outcome = 'DOMAIN_MISMATCH'
             AND NOT EXISTS (SELECT 1 FROM license_domains d WHERE d.license_id = a.license_id AND d.host = a.domain)
             AND NOT EXISTS (SELECT 1 FROM license_domains d WHERE d.license_id = a.license_id AND d.host >= '*.' AND d.host < '*/'
               AND length(a.domain) >= length(d.host) AND substr(a.domain, length(a.domain) - length(d.host) + 2) = substr(d.host, 2))
           GROUP BY license_id, domain) AS domains
        GROUP BY license_id ORDER BY 3 DESC, 1 LIMIT {MostOfAKind}
        """,
        row =>
        {
            var (license, count, domains, domain) = (row.GetInt64(0), row.GetInt64(2), row.GetInt64(3), row.GetString(4));
            var who = (domain.Length == 0 ? "a domain" : domain) + (domains > 1 ? $" and {More(domains - 1, "other domain")}" : "");
            return new AttentionView(
                "domain_mismatch", "warning", $"License {license} was used {More(count, "time")} in 24 hours for {who}, which it is not bound to.",
                count, license, row.GetInt64(1), domain);
        },
        _since);

    // The plus keeps SQLite from walking through all that strangers ever did.
    List<AttentionView> Guesses() => work.Query(
        $"""
        SELECT address, sum(count) FROM activity a WHERE {LastDay} AND +a.license_id = 0 AND a.outcome = 'INVALID_LICENSE'
        GROUP BY address HAVING sum(count) >= {GuessesThatCount} ORDER BY 2 DESC, 1 LIMIT {MostOfAKind}
        """,
        row => new AttentionView(
            "key_guessing", "warning", $"{row.GetString(0)} sent {More(row.GetInt64(1), "key")} in 24 hours that no license has: a wrong key in a program, or somebody who guesses.",
            row.GetInt64(1), Address: row.GetString(0)),
        _since);

    List<AttentionView> FailedDownloads() => work.Query(
        $"""
        SELECT license_id, max(product_id), outcome, sum(count) FROM activity a
        WHERE {LastDay} AND a.kind = 2 AND +a.license_id <> 0 AND a.outcome IN ('INTERRUPTED', 'SERVICE_UNAVAILABLE')
          AND NOT EXISTS (SELECT 1 FROM activity b WHERE b.license_id = a.license_id AND b.kind = 2 AND b.outcome = 'OK' AND b.last_at >= a.last_at)
        GROUP BY license_id, outcome ORDER BY 4 DESC, 1 LIMIT {MostOfAKind}
        """,
        row =>
        {
            var (license, count) = (row.GetInt64(0), row.GetInt64(3));
            return row.GetString(2) == ActivityOutcome.Interrupted
                ? new AttentionView("download_failed", "info", $"A download of license {license} was broken off {More(count, "time")} in 24 hours, and never finished.", count, license, row.GetInt64(1))
                : new AttentionView("download_failed", "error", $"A download of license {license} was answered {More(count, "time")} in 24 hours that the service is unavailable: \"latchkey doctor\" says whether its file is missing.", count, license, row.GetInt64(1));
        },
        _since);

    List<AttentionView> ProductsWithoutRelease() => work.Query(
        """
        SELECT p.id, p.name, (SELECT count(*) FROM licenses l WHERE l.product_id = p.id) AS n FROM products p
        WHERE p.api_download AND p.archived_at IS NULL AND NOT EXISTS (SELECT 1 FROM releases r WHERE r.product_id = p.id AND r.state = 1 AND r.published_at <= $1)
          AND EXISTS (SELECT 1 FROM licenses l WHERE l.product_id = p.id) ORDER BY n DESC
        """,
        row => new AttentionView(
            "no_release", "warning", $"{row.GetString(1)} has {More(row.GetInt64(2), "license")} that may download it, and no release is published: publish one, or turn its downloads off.",
            row.GetInt64(2), ProductId: row.GetInt64(0)),
        now);

    IEnumerable<AttentionView> Store() => work.BlobHealth.Store is not { } down ? [] :
        [
            new AttentionView("store_down", "error", string.Create(
                CultureInfo.InvariantCulture, $"The store {work.Blobs.Place} {down.Fault}, since {down.Since.UtcDateTime:d MMMM HH:mm} UTC: downloads are answered 503. No link is used up by that."), 1),
        ];

    /// <summary>One that failed, is late, or lacks something. That there is none the overview says elsewhere.</summary>
    IEnumerable<AttentionView> Backups()
    {
        var last = BackupResults.Read(work.Database);
        if (last is { HasFailed: true, Failed: { } failed })
        {
            yield return new AttentionView("backup_failed", "error", string.Create(CultureInfo.InvariantCulture, $"The backup of {failed.At.UtcDateTime:d MMMM HH:mm} UTC failed: {failed.Sentence} {Before(last.Done)}"), 1);
        }
        else if (last.IsLate(now))
        {
            yield return new AttentionView("backup_late", "error", string.Create(CultureInfo.InvariantCulture, $"A backup was to be there at {last.Done!.NextAt!.Value.UtcDateTime:d MMMM HH:mm} UTC, and is not: look into the log. {Before(last.Done)}"), 1);
        }
        else if (last.Done?.Sentence is { } lacks)
        {
            yield return new AttentionView("backup_incomplete", "warning", $"The last backup: {lacks}", 1);
        }
    }

    static string Before(BackupResult? done) => done is null ? "There is none before it." : string.Create(CultureInfo.InvariantCulture, $"The last one that was made is of {done.At.UtcDateTime:d MMMM HH:mm} UTC.");

    IEnumerable<AttentionView> Limits() => work.LimitsHealth.PerNodeSince is not { } since ? [] :
        [
            new AttentionView("limits_per_node", "warning", string.Create(
                CultureInfo.InvariantCulture, $"Redis does not answer, since {since.UtcDateTime:d MMMM HH:mm} UTC: each node counts its clients' requests for itself. Nothing else needs it."), 1),
        ];

    /// <summary>Files that this server could not get out of its store.</summary>
    IEnumerable<AttentionView> Files() => work.BlobHealth.Files.OrderBy(file => file.Value.Since).Take(MostOfAKind).SelectMany(file => work.Query(
        "SELECT a.file_name, r.version, a.product_id FROM artifacts a JOIN releases r ON r.id = a.release_id WHERE a.blob_id = $1 AND r.state = 1",
        row => new AttentionView(
            file.Value.Fault == BlobHealth.Missing ? "file_missing" : "file_damaged", "error",
            $"{row.GetString(0)} of release {row.GetString(1)} {file.Value.Fault}: its downloads are answered 503, and no link is used up. \"latchkey doctor\" says what to do.",
            1, ProductId: row.GetInt64(2)),
        file.Key));

    IEnumerable<AttentionView> Disk()
    {
        var drive = new DriveInfo(work.DataPath);
        return OfDisk(drive.AvailableFreeSpace, drive.TotalSize) is { } full ? [full] : [];
    }

    /// <returns>Null if there is room enough. Sizes are in bytes.</returns>
    public static AttentionView? OfDisk(long free, long total)
    {
        const long mebi = 1 << 20;
        if (free >= 1024 * mebi && free >= total / 10) return null;
        var percent = total > 0 ? free * 100 / total : 0;
        return new AttentionView(
            "disk_full", free < 1024 * mebi ? "error" : "warning",
            string.Create(CultureInfo.InvariantCulture, $"{free / mebi:N0} MiB ({percent} %) are free on the disk of the data directory. Without room nothing can be minted, issued or published."),
            free / mebi);
    }

    List<AttentionView> Dropped() => work.Query(
        "SELECT sum(count) FROM activity_hours WHERE hour >= $1 AND kind = 3 HAVING sum(count) > 0",
        row => new AttentionView(
            "details_dropped", "info", $"The details of {More(row.GetInt64(0), "request")} were not kept today: there were too many different ones at once. The counts are right.", row.GetInt64(0)),
        Calendar.Floor(SeriesPeriod.Day, now));

    static string More(long count, string what) => $"{Text(count)} {what}{(count == 1 ? "" : "s")}";

    static string Text(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
