using Latchkey.Server.Blobs;
using Latchkey.Server.Data;

namespace Latchkey.Server.Products;

/// <summary>
/// Removes, every hour, what no release refers to and nobody has written to for a day, if it was so an hour ago: what is left of uploads that
/// broke off, and of drafts. The references are read after the store's list, so what came in between is not in it.
/// </summary>
sealed partial class BlobSweep(Database database, IBlobStore store, Leases leases, TimeProvider clock, ILogger<BlobSweep> log) : PeriodicService(TimeSpan.FromHours(1), clock, leases)
{
    static readonly TimeSpan Grace = TimeSpan.FromDays(1);

    static readonly TimeSpan Again = TimeSpan.FromMinutes(30);

    // As the last turn found them, and since when: by dates alone, a clock that jumps a day ahead would make orphans of files that are just coming in.
    Dictionary<string, (DateTimeOffset Modified, TimeSpan Since)> _orphans = new(StringComparer.Ordinal);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        WarnIfAnothers();
        return base.StartAsync(cancellationToken);
    }

    void WarnIfAnothers()
    {
        if (store.Owner == BlobOwner.Another) Anothers(store.Place);
    }

    protected override async Task Do(CancellationToken stopping)
    {
        try
        {
            if (store.Owner != BlobOwner.Us)
            {
                WarnIfAnothers();
                return;
            }

            var old = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
            await foreach (var entry in store.All(stopping))
            {
                if (entry.Modified < Now - Grace && IsOurs(entry.Name)) old[entry.Name] = entry.Modified;
            }

            var known = old.Count == 0 ? [] : Referenced();
            _orphans = old.Where(file => !known.Contains(file.Key)).ToDictionary(
                file => file.Key, file => _orphans.TryGetValue(file.Key, out var before) && before.Modified == file.Value ? before : (file.Value, Uptime), StringComparer.Ordinal);
            var removed = _orphans.Where(file => Uptime - file.Value.Since >= Again).Select(file => file.Key).ToList();
            foreach (var name in removed) await store.Delete(name);
            if (removed.Count > 0) Swept(removed.Count, store.Place);
        }
        catch (Exception failure)
        {
            // There is another hour.
            NotSwept(failure.Message);
            Failed();
        }
    }

    /// <summary>A blob's id, or that of an upload on its way; what somebody else put there is theirs.</summary>
    static bool IsOurs(string name) => BlobId.IsOurs(name.EndsWith(".tmp", StringComparison.Ordinal) ? name.AsSpan(..^4) : name);

    HashSet<string> Referenced()
    {
        using var connection = database.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT blob_id FROM artifacts";
        using var rows = command.ExecuteReader();
        var known = new HashSet<string>(StringComparer.Ordinal);
        while (rows.Read()) known.Add(rows.GetString(0));
        return known;
    }

    [LoggerMessage(64, LogLevel.Information, "Removed {Count} files from {Place} that belong to no release")]
    partial void Swept(int count, string place);

    [LoggerMessage(69, LogLevel.Warning, "{Place} belongs to another installation of Latchkey: nothing is stored there, and nothing removed. Name another directory (Blobs:Directory)")]
    partial void Anothers(string place);

    [LoggerMessage(65, LogLevel.Warning, "Files that belong to no release were not removed: {Reason}")]
    partial void NotSwept(string reason);
}
