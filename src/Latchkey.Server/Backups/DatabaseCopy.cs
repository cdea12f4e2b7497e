using Latchkey.Server.Data;
using Microsoft.Data.Sqlite;

namespace Latchkey.Server.Backups;

/// <summary>
/// A copy of a database as it is at one moment, while others go on writing: an SQLite file, whatever it is a copy of. SQLite
/// copies itself, in one step that no writer can make begin anew; of PostgreSQL all tables are read in one snapshot.
/// </summary>
static class DatabaseCopy
{
    const long Reserve = 64 << 20;

    /// <param name="database">In use.</param>
    /// <param name="file">Is made.</param>
    /// <param name="progress">Called with the rows that are done and all of them, where they are copied one by one.</param>
    /// <param name="clock">Of this node.</param>
    /// <exception cref="OperationException">It cannot be copied.</exception>
    public static void Make(Database database, string file, Action<long, long>? progress, TimeProvider clock)
    {
        try
        {
            if (database is PostgreSqlDatabase shared) new CopyOfPostgreSql(shared, file, clock) { Progress = progress }.Run();
            else OfSqlite((SqliteDatabase)database, file);
            RequireIntact(file, "PRAGMA quick_check(1)", $"The database {database.Place} is damaged, and was not backed up");
        }
        catch (SqliteException failure)
        {
            throw new OperationException($"The database could not be copied to {Path.GetDirectoryName(file)}: {failure.Message}");
        }
    }

    static void OfSqlite(SqliteDatabase database, string file)
    {
        using var from = database.OpenExisting();
        var (bytes, log) = database.Size(from);
        var free = new DriveInfo(Path.GetDirectoryName(file)!).AvailableFreeSpace;
        if (free < bytes + log + Reserve) throw new OperationException($"The disk of {Path.GetDirectoryName(file)} has no room for a copy of the database: {bytes + log + Reserve:N0} bytes are needed, and {free:N0} are free.");
        using var to = Open(file, SqliteOpenMode.ReadWriteCreate);
        Database.Execute(to, "PRAGMA synchronous=OFF");
        from.BackupDatabase(to);
    }

    /// <summary>Nobody else has it open.</summary>
    public static SqliteConnection Open(string file, SqliteOpenMode mode = SqliteOpenMode.ReadWrite)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = mode, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    public static void RequireIntact(string file, string check, string otherwise)
    {
        using var connection = Open(file);
        if (Database.Scalar<string>(connection, check) is var found && found != "ok") throw new OperationException($"{otherwise}: {found}.");
    }

    /// <summary>How many rows each table has.</summary>
    public static IReadOnlyDictionary<string, long> Rows(SqliteConnection copy) => Query(
        copy, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE '!_!_%' ESCAPE '!' ORDER BY name", row => row.GetString(0))
        .ToDictionary(table => table, table => Database.Scalar<long>(copy, $"SELECT count(*) FROM \"{table}\""));

    public static string SchemaOf(SqliteConnection copy) => Database.Scalar<string>(copy, "SELECT max(\"MigrationId\") FROM \"__EFMigrationsHistory\"")!;

    /// <summary>The published files that it refers to.</summary>
    public static IReadOnlyList<(Blobs.StoredBlob Blob, string FileName)> Files(SqliteConnection copy) => Query(
        copy, "SELECT blob_id, size, sha256, file_name FROM artifacts ORDER BY id", row => (new Blobs.StoredBlob(row.GetString(0), row.GetInt64(1), row.GetFieldValue<byte[]>(2)), row.GetString(3)));

    public static List<T> Query<T>(SqliteConnection copy, string sql, Func<SqliteDataReader, T> read)
    {
        using var command = copy.CreateCommand();
        command.CommandText = sql;
        using var rows = command.ExecuteReader();
        var all = new List<T>();
        while (rows.Read()) all.Add(read(rows));
        return all;
    }
}
