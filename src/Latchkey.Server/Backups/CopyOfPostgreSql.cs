using Latchkey.Server.Data;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Latchkey.Server.Backups;

/// <summary>
/// All rows of a PostgreSQL database as they are at one moment, put into a new SQLite file, which is how a backup keeps
/// them: it can be restored into either. Every row is read again from both in the end, and compared.
/// </summary>
sealed class CopyOfPostgreSql(PostgreSqlDatabase source, string file, TimeProvider clock)
{
    public Action<long, long>? Progress { get; init; }

    /// <exception cref="OperationException">The two are not the same, or this program is too old for the database.</exception>
    public void Run()
    {
        using var embedded = new SqliteDatabase(file);
        using var shared = (NpgsqlConnection)source.Open();
        using var snapshot = shared.BeginTransaction(System.Data.IsolationLevel.RepeatableRead);
        Database.Execute(shared, "SET TRANSACTION READ ONLY");
        if (PostgreSqlInstallation.HasNewerSchema(shared)) throw new OperationException($"The database {source.Place} has a newer schema than this program: make the backup with the newer version.");
        var check = Database.Scalar<byte[]>(shared, "SELECT pepper_check FROM installation")!;
        Migrator.Upgrade(embedded, () => check, clock);
        using (var copy = DatabaseCopy.Open(file)) Fill(copy, embedded, shared);
    }

    void Fill(SqliteConnection copy, SqliteDatabase embedded, NpgsqlConnection shared)
    {
        Database.Execute(copy, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=OFF; PRAGMA foreign_keys=OFF");
        var tables = MovedTable.All(source);
        var all = 2 * tables.Sum(table => table.Count(shared));
        long done = 0;
        using (var transaction = copy.BeginTransaction())
        {
            // What they would write is a table of its own, which is copied as well.
            var triggers = DatabaseCopy.Query(copy, "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'", row => (Name: row.GetString(0), Sql: row.GetString(1)));
            foreach (var trigger in triggers) Database.Execute(copy, $"DROP TRIGGER {trigger.Name}");
            foreach (var table in tables) done += Copy(table, copy, shared, transaction, rows => Progress?.Invoke(done + rows, all));
            foreach (var trigger in triggers) Database.Execute(copy, trigger.Sql);
            foreach (var table in tables) SetCounter(table, copy, shared);
            using var made = copy.CreateCommand();
            made.CommandText = "UPDATE installation SET created_at = $1";
            made.Parameters.AddWithValue("$1", Database.Scalar<long>(shared, "SELECT created_at FROM installation"));
            made.ExecuteNonQuery();
            transaction.Commit();
        }

        foreach (var table in tables) done += Compare(table, embedded, copy, shared, rows => Progress?.Invoke(done + rows, all));
        Progress?.Invoke(all, all);
    }

    long Copy(MovedTable table, SqliteConnection copy, NpgsqlConnection shared, SqliteTransaction transaction, Action<long> show)
    {
        using var rows = table.Read(source, shared);
        using var insert = copy.CreateCommand();
        insert.Transaction = transaction;
        insert.CommandText = table.InsertSql;
        for (var i = 0; i < table.Columns.Count; i++) insert.Parameters.Add(new SqliteParameter($"${i + 1}", null));
        long copied = 0;
        for (; rows.Read(); copied++)
        {
            for (var i = 0; i < table.Columns.Count; i++) insert.Parameters[i].Value = rows.GetValue(i) is var value && value is bool truth ? truth ? 1L : 0L : value;
            insert.ExecuteNonQuery();
            if (copied % 1000 == 0) show(copied);
        }

        return copied;
    }

    long Compare(MovedTable table, SqliteDatabase embedded, SqliteConnection copy, NpgsqlConnection shared, Action<long> show)
    {
        using var here = table.Read(embedded, copy);
        using var there = table.Read(source, shared);
        for (long row = 0; ; row++)
        {
            var (isHere, isThere) = (here.Read(), there.Read());
            if (!isHere && !isThere) return row;
            if (isHere != isThere || table.Difference(here, there) is not null) throw new OperationException($"The copy of {source.Place} is not the same as the database: row {row + 1} of {table.Name} differs. There is no backup.");
            if (row % 1000 == 0) show(row);
        }
    }

    /// <summary>Ids go on after the highest there ever was.</summary>
    static void SetCounter(MovedTable table, SqliteConnection copy, NpgsqlConnection shared)
    {
        var key = table.Columns[0].Name;
        if (table.KeyLength != 1 || Database.Scalar<string>(shared, $"SELECT pg_get_serial_sequence('{table.Name}', '{key}')") is not { } sequence) return;
        if (Database.Scalar<long>(copy, $"SELECT count(*) FROM sqlite_master WHERE name = '{table.Name}' AND sql LIKE '%AUTOINCREMENT%'") == 0) return;
        var highest = Database.Scalar<long>(shared, $"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}");
        Database.Execute(copy, FormattableString.Invariant($"DELETE FROM sqlite_sequence WHERE name = '{table.Name}'; INSERT INTO sqlite_sequence (name, seq) VALUES ('{table.Name}', {highest})"));
    }
}
