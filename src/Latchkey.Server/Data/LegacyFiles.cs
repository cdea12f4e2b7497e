using Latchkey.Server.Products;
using Microsoft.Data.Sqlite;
using Semver;

namespace Latchkey.Server.Data;

/// <summary>
/// What a migration in SQL cannot: files that were published before there were releases become a release each. The
/// newest stays the product's download, and none that could not be had any more outranks it.
/// </summary>
static class LegacyFiles
{
    /// <summary>Makes room for releases.</summary>
    public const string Before = "20261125233023_Releases";

    /// <summary>Takes for granted that every file is of a release.</summary>
    public const string After = "20261125233024_ReleaseFiles";

    sealed record Legacy(long Id, long Product, string? Version, long PublishedAt);

    /// <summary>A killed upgrade begins here again.</summary>
    public static void BecomeReleases(SqliteDatabase database)
    {
        using var connection = database.OpenExisting();
        var files = Read(connection);
        using var session = new WriteSession(database, connection);
        session.Begin();
        foreach (var product in files.GroupBy(file => file.Product))
        {
            foreach (var (precedence, (file, version)) in Versioned(product).OrderBy(pair => pair.Version, SemVersion.PrecedenceComparer).Index()) Make(session, file, version.ToString(), precedence);
        }

        session.Commit();
    }

    /// <summary>Each its own version, where that is older than the one that was published after it; else one below all others.</summary>
    static List<(Legacy File, SemVersion Version)> Versioned(IEnumerable<Legacy> product)
    {
        var versioned = new List<(Legacy, SemVersion)>();
        SemVersion? newer = null;
        foreach (var file in product.OrderByDescending(file => file.Id))
        {
            var own = file.Version is null ? null : Versions.Lenient(file.Version)?.WithoutMetadata();
            if (own is not null && newer is not null && Versions.Compare(own, newer) >= 0) own = null;
            var version = own ?? SemVersion.Parse(FormattableString.Invariant($"0.0.0-file.{file.Id}"), SemVersionStyles.Strict);
            newer = own ?? newer ?? version;
            versioned.Add((file, version));
        }

        return versioned;
    }

    static List<Legacy> Read(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT id, product_id, version, published_at FROM artifacts WHERE release_id IS NULL";
        using var row = command.ExecuteReader();
        var files = new List<Legacy>();
        while (row.Read()) files.Add(new Legacy(row.GetInt64(0), row.GetInt64(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetInt64(3)));
        return files;
    }

    static void Make(WriteSession session, Legacy file, string version, int precedence)
    {
        var notes = file.Version is null || file.Version == version ? "" : $"Published as “{file.Version}”.";
        session.Execute(
            """
            INSERT INTO releases (product_id, version, precedence, channel, notes, notes_html, state, published_at, created_at, rollout_percent)
            VALUES ($1, $2, $3, 'stable', $4, $5, 1, $6, $6, 100)
            """,
            file.Product, version, precedence, notes, ReleaseNotes.Read(notes).Text.Html, file.PublishedAt);
        session.Execute("UPDATE artifacts SET release_id = last_insert_rowid(), created_at = published_at WHERE id = $1", file.Id);
    }
}
