using System.Data.Common;
using System.Reflection;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Latchkey.Server.Data;

enum Schema
{
    Missing,
    Older,
    Current,

    /// <summary>Complete, and not to be used: <c>installation.closed</c> says why.</summary>
    Closed,
}

/// <summary>The migrations of this program.</summary>
static class MigrationNames
{
    /// <returns>Their ids, the oldest first.</returns>
    public static IReadOnlyList<string> Of(Type context) =>
        [.. typeof(LatchkeyDb).Assembly.GetTypes()
            .Where(type => type.GetCustomAttribute<DbContextAttribute>()?.ContextType == context)
            .Select(type => type.GetCustomAttribute<MigrationAttribute>()?.Id)
            .OfType<string>()
            .Order(StringComparer.Ordinal)];
}

/// <summary>
/// Brings a database to the schema of this program. Looking needs no EF Core (whose model takes a
/// third of a second to build), so that a start with nothing to do is quick.
/// </summary>
static class Migrator
{
    static readonly IReadOnlyList<string> Known =
        MigrationNames.Of(typeof(SqliteDb));

    public static bool Knows(string migration) => Known.Contains(migration, StringComparer.Ordinal);

    /// <param name="file">The database.</param>
    /// <param name="secretsCheck">What it keeps to recognize its secrets, if it is complete.</param>
    /// <exception cref="DataDirectoryException">Not ours, or made by a newer Latchkey.</exception>
    public static Schema Inspect(string file, out byte[]? secretsCheck)
    {
        // With no log beside it nobody has the file open, and "immutable" reads it without making one.
        var busy = new FileInfo(file + "-wal") is { Exists: true, Length: > 0 };
        var source = busy ? file : new Uri(file).AbsoluteUri + "?immutable=1";
        var text = new SqliteConnectionStringBuilder { DataSource = source, Mode = SqliteOpenMode.ReadOnly, Pooling = false };
        using var connection = new SqliteConnection(text.ToString());
        connection.Open();
        try
        {
            var schema = Judge(file, connection);
            secretsCheck = HasInstallation(connection) ? Database.Scalar<byte[]>(connection, "SELECT pepper_check FROM installation") : null;
            return schema;
        }
        catch (SqliteException failure) when (failure.SqliteErrorCode is SQLitePCL.raw.SQLITE_NOTADB or SQLitePCL.raw.SQLITE_CORRUPT)
        {
            throw new DataDirectoryException($"{file} is not an SQLite database, or damaged: put it back from your backup, or name another directory with --data.", failure);
        }
    }

    static Schema Judge(string file, SqliteConnection connection)
    {
        if (Database.Scalar<long>(connection, "PRAGMA schema_version") == 0) return Schema.Missing;
        if (Database.Scalar<long>(connection, "PRAGMA application_id") != SqliteDatabase.ApplicationId)
        {
            throw new DataDirectoryException($"{file} is a database of some other program: name another directory with --data.");
        }

        var applied = Applied(connection);
        if (applied.Except(Known, StringComparer.Ordinal).FirstOrDefault() is { } newer)
        {
            throw new DataDirectoryException(
                $"{file} was made by a newer Latchkey (it has the schema {newer}): run that version or a newer one. Nothing was changed.");
        }

        var complete = applied.Count == Known.Count && HasInstallation(connection) && !KeySuffixes.AreMissing(connection);
        if (!complete) return Schema.Older;
        return ClosedBecause(connection) is null ? Schema.Current : Schema.Closed;
    }

    /// <returns>Why no server may work with it; null: it may.</returns>
    public static string? ClosedBecause(DbConnection connection) => Database.Scalar<string>(connection, "SELECT closed FROM installation");

    static List<string> Applied(SqliteConnection connection)
    {
        var applied = new List<string>();
        if (Database.Scalar<long>(connection, "SELECT count(*) FROM sqlite_master WHERE name='__EFMigrationsHistory'") == 0) return applied;
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT MigrationId FROM __EFMigrationsHistory";
        using var reader = command.ExecuteReader();
        while (reader.Read()) applied.Add(reader.GetString(0));
        return applied;
    }

    static bool HasInstallation(SqliteConnection connection) =>
        Database.Scalar<long>(connection, "SELECT count(*) FROM sqlite_master WHERE name='installation'") == 1
        && Database.Scalar<long>(connection, "SELECT count(*) FROM installation") == 1;

    /// <summary>The caller holds the upgrade lock; what a killed upgrade left behind is finished.</summary>
    /// <param name="database">Made if it is not there.</param>
    /// <param name="makeSecrets">Asked once, for a new database: what it shall recognize its secrets by.</param>
    /// <param name="clock">When it was made.</param>
    public static void Upgrade(SqliteDatabase database, Func<byte[]> makeSecrets, TimeProvider clock)
    {
        using var connection = database.Create();
        Database.Execute(connection, $"PRAGMA application_id={SqliteDatabase.ApplicationId}");

        // EF Core's own lock is a row, which a killed process leaves behind for good.
        Database.Execute(connection, "DROP TABLE IF EXISTS __EFMigrationsLock");
        if (!Applied(connection).Contains(LegacyFiles.After))
        {
            Migrate(database, LegacyFiles.Before);
            LegacyFiles.BecomeReleases(database);
        }

        Migrate(database, null);
        if (HasInstallation(connection)) return;
        using var db = database.OpenContext(connection);
        db.Add(new Installation { PepperCheck = makeSecrets(), CreatedAt = clock.GetUtcNow() });
        db.SaveChanges();
    }

    /// <summary>On a connection of its own, which EF Core may close.</summary>
    static void Migrate(SqliteDatabase database, string? to)
    {
        using var connection = database.Create();
        using var db = database.OpenContext(connection);
        db.GetService<IMigrator>().Migrate(to);
    }
}
