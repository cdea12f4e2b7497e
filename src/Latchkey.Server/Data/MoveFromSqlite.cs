using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using Latchkey.Server.Configuration;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Latchkey.Server.Data;

/// <summary>
/// Moves a whole installation from SQLite to PostgreSQL. Both are out of use meanwhile: the one is locked, the other says in
/// its installation row that it is being filled. Rows go in the order of their keys and in parts, each a transaction, so that
/// a later run goes on after the last key that is there. In the end every row is read again from both, and compared.
/// </summary>
sealed class MoveFromSqlite(string source, PostgreSqlDatabase target, Settings settings) : IDisposable
{
    const int RowsAtOnce = 20_000;

    /// <summary>What the database says of itself while a restore fills it.</summary>
    public const string Restoring = "This database is being filled by \"latchkey restore\", which has not come to its end: run that again.";

    const string Migrating = "This database is being filled by \"latchkey migrate --from\", which has not come to its end: run that again.";

    readonly SqliteDatabase _embedded = new(DataDirectory.DatabaseFile(source));

    /// <summary>Of a table: how many rows it has, and how many of them this run copied.</summary>
    public sealed record Moved(string Table, long Rows, long Copied);

    /// <summary>What an earlier run has left is not gone on with, but thrown away.</summary>
    public bool IsRestore { get; init; }

    string Filling => IsRestore ? Restoring : Migrating;

    /// <summary>Told what is done ("copied" or "compared"), of how many rows, and of how many in all.</summary>
    public Action<string, long, long>? Progress { get; init; }

    string Gone => $"The installation in {source} was moved to PostgreSQL ({target.Place}), and must not be used beside it: set Database:Provider and Database:ConnectionString."
        + " To go back to how it was at the move, see \"Back to SQLite\" in docs/scale.md.";

    /// <exception cref="OperationException">It cannot be done, or has not come to its end; the message says what to do.</exception>
    /// <exception cref="DataDirectoryException">One of the two cannot be used.</exception>
    public IReadOnlyList<Moved> Run()
    {
        DataDirectory.RequireComplete(source, Gone);
        using var embedded = OpenAlone();
        return PostgreSqlInstallation.Alone(target, holder =>
        {
            PostgreSqlInstallation.Apply(target, holder);
            Begin(embedded, holder);
            try
            {
                return Move(embedded, (NpgsqlConnection)holder);
            }
            catch (NpgsqlException failure)
            {
                throw new OperationException($"The database {target.Place} failed: {failure.Message.TrimEnd('.')}. What was copied so far is there: run the same again, and it {(IsRestore ? "begins anew" : "goes on")}.");
            }
        });
    }

    /// <summary>With a lock that no server can be beside, nor come to be.</summary>
    SqliteConnection OpenAlone()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _embedded.Path, Mode = SqliteOpenMode.ReadWrite, Pooling = false, DefaultTimeout = 1 }.ToString());
        try
        {
            connection.Open();

            // One by one: of several, the error of a later one is not told.
            foreach (var statement in new[] { "PRAGMA locking_mode=EXCLUSIVE", "PRAGMA synchronous=FULL", "BEGIN EXCLUSIVE", "COMMIT" }) Database.Execute(connection, statement);
            return connection;
        }
        catch (SqliteException failure)
        {
            connection.Dispose();
            if (failure.SqliteErrorCode is not (SQLitePCL.raw.SQLITE_BUSY or SQLitePCL.raw.SQLITE_LOCKED)) throw;
            throw new OperationException($"The installation in {source} is in use: stop its server first. Nothing was changed.");
        }
    }

    /// <summary>The target is new, or what an earlier run of this same move has left.</summary>
    void Begin(SqliteConnection embedded, DbConnection holder)
    {
        BringSecrets();
        using var secrets = Secrets.Load(PostgreSqlInstallation.SecretsDirectory(settings));
        var check = Database.Scalar<byte[]>(embedded, "SELECT pepper_check FROM installation")!;
        if (!CryptographicOperations.FixedTimeEquals(check, secrets.Check()))
        {
            throw new OperationException($"The files in {PostgreSqlInstallation.SecretsDirectory(settings)} are the secrets of another installation: name an empty directory with Secrets:Directory.");
        }

        if (IsRestore && Migrator.ClosedBecause(holder) == Filling) Database.Execute(holder, $"TRUNCATE {string.Join(", ", MovedTable.All(target).Select(table => table.Name))}, installation");
        using var session = new WriteSession(target, holder);
        var made = Database.Scalar<long>(embedded, "SELECT created_at FROM installation");
        session.Execute("INSERT INTO installation (id, pepper_check, created_at, oldest_schema, closed) VALUES (1, $1, $2, '', $3) ON CONFLICT DO NOTHING", check, made, Filling);
        var there = Database.Scalar<byte[]>(holder, "SELECT pepper_check FROM installation")!;
        if (Migrator.ClosedBecause(holder) == Filling && there.AsSpan().SequenceEqual(check)) return;
        throw new OperationException($"The database {target.Place} holds an installation already: move into a new, empty one, which CREATE DATABASE makes.");
    }

    /// <summary>Keys are hashed and sealed under them: they go along.</summary>
    void BringSecrets()
    {
        var directory = PostgreSqlInstallation.SecretsDirectory(settings);
        if (Secrets.Files(directory).Any(File.Exists)) return;
        PostgreSqlInstallation.MakeDirectory(directory);
        foreach (var (from, to) in Secrets.Files(DataDirectory.SecretsDirectory(source)).Zip(Secrets.Files(directory)))
        {
            File.Copy(from, to + ".new", overwrite: true);
            File.Move(to + ".new", to);
        }

        Posix.SyncDirectory(directory);
    }

    List<Moved> Move(SqliteConnection embedded, NpgsqlConnection shared)
    {
        var tables = MovedTable.All(target);
        var all = tables.Sum(table => table.Count(embedded));
        long copied = 0, compared = 0;
        var moved = new List<Moved>();
        foreach (var table in tables)
        {
            var rows = table.Count(embedded);
            var now = Copy(table, embedded, shared, done => Progress?.Invoke("copied", copied + done, all));
            copied += rows;
            moved.Add(new Moved(table.Name, rows, now));
        }

        Progress?.Invoke("copied", all, all);
        foreach (var table in tables) compared += Compare(table, embedded, shared, done => Progress?.Invoke("compared", compared + done, all));
        foreach (var table in tables) SetCounter(table, embedded, shared);
        Close(embedded);
        Database.Execute(shared, "UPDATE installation SET closed = NULL");
        return moved;
    }

    /// <returns>How many rows were not there yet.</returns>
    long Copy(MovedTable table, SqliteConnection embedded, NpgsqlConnection shared, Action<long> show)
    {
        var last = table.LastKey(shared);
        var before = last is null ? 0 : table.Count(shared);
        using var rows = table.Read(_embedded, embedded, last);
        long copied = 0;
        for (var more = rows.Read(); more;)
        {
            using var transaction = shared.BeginTransaction();

            // What they would write is a table of its own, which is copied as well.
            Database.Execute(shared, $"ALTER TABLE {table.Name} DISABLE TRIGGER USER");
            using (var importer = table.Import(shared))
            {
                for (var i = 0; i < RowsAtOnce && more; i++, copied++, more = rows.Read()) table.Write(rows, importer);
                importer.Complete();
            }

            Database.Execute(shared, $"ALTER TABLE {table.Name} ENABLE TRIGGER USER");
            transaction.Commit();
            show(before + copied);
        }

        return copied;
    }

    /// <returns>How many rows they have.</returns>
    long Compare(MovedTable table, SqliteConnection embedded, NpgsqlConnection shared, Action<long> show)
    {
        using var here = table.Read(_embedded, embedded);
        using var there = table.Read(target, shared);
        for (long row = 1; ; row++)
        {
            var (isHere, isThere) = (here.Read(), there.Read());
            if (!isHere && !isThere) return row - 1;
            var fault = isHere != isThere ? $"{table.Name} has {(isHere ? "fewer" : "more")} rows" : table.Difference(here, there) is { } column ? $"row {row.ToString(CultureInfo.InvariantCulture)} of {table.Name} has another {column}" : null;
            if (fault is not null) throw new OperationException($"The database {target.Place} is not the same as {_embedded.Path}: {fault}. Begin again with a new, empty database. The installation in {source} is as it was.");
            if (row % 1000 == 0) show(row);
        }
    }

    /// <summary>Ids go on after the highest there ever was.</summary>
    static void SetCounter(MovedTable table, SqliteConnection embedded, NpgsqlConnection shared)
    {
        var key = table.Columns[0].Name;
        if (table.KeyLength != 1 || Database.Scalar<string>(shared, $"SELECT pg_get_serial_sequence('{table.Name}', '{key}')") is not { } sequence) return;
        var highest = Database.Scalar<long>(embedded, $"SELECT max((SELECT coalesce(max({key}), 0) FROM {table.Name}), coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{table.Name}'), 0))");
        if (highest > 0) Database.Execute(shared, string.Create(CultureInfo.InvariantCulture, $"SELECT setval('{sequence}', {highest})"));
    }

    /// <summary>Before the target is opened: at no time may both be used.</summary>
    void Close(SqliteConnection embedded)
    {
        using var command = embedded.CreateCommand();
        command.CommandText = "UPDATE installation SET closed = $1";
        command.Parameters.Add(_embedded.Parameter(1, Gone));
        command.ExecuteNonQuery();
    }

    public void Dispose() => _embedded.Dispose();
}
