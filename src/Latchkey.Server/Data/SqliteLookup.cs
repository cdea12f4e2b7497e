using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Latchkey.Server.Data;

/// <summary>
/// One prepared statement on a connection of its own, as many times as threads ask at once. The raw
/// statement is used because Microsoft.Data.Sqlite's reader costs about as much again as the look-up.
/// It is answered at once, on the thread that asks.
/// </summary>
sealed class SqliteLookup(SqliteDatabase database, string sql, LookupKey[] parameters) : Lookup
{
    const int MaxIdle = 8;

    // Last in, first out: the few connections that are in use keep the upper pages of the trees in their cache.
    readonly Stack<Reader> _idle = new(MaxIdle);
    bool _disposed;

    public override ValueTask<T?> Read<T>(Value first, Value second, Func<Rows, T> read)
        where T : class
    {
        var reader = Rent();
        try
        {
            Bind(reader.Statement, 1, first);
            if (parameters.Length > 1) Bind(reader.Statement, 2, second);
            var result = reader.Rows.Step() ? read(reader.Rows) : null;
            raw.sqlite3_reset(reader.Statement);
            Return(reader);
            return new ValueTask<T?>(result);
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    void Bind(sqlite3_stmt statement, int number, Value value)
    {
        if (parameters[number - 1] == LookupKey.Number) raw.sqlite3_bind_int64(statement, number, value.Number);
        else raw.sqlite3_bind_blob(statement, number, value.Bytes);
    }

    Reader Rent()
    {
        lock (_idle)
        {
            if (_idle.TryPop(out var idle)) return idle;
        }

        try
        {
            return new Reader(database, sql);
        }
        catch (SqliteException failure) when (StoreUnavailableException.From(failure) is { } unavailable)
        {
            throw unavailable;
        }
    }

    void Return(Reader reader)
    {
        lock (_idle)
        {
            if (!_disposed && _idle.Count < MaxIdle)
            {
                _idle.Push(reader);
                return;
            }
        }

        reader.Dispose();
    }

    public override void Dispose()
    {
        lock (_idle)
        {
            _disposed = true;
            while (_idle.TryPop(out var reader)) reader.Dispose();
        }
    }

    sealed class Reader : IDisposable
    {
        public Reader(SqliteDatabase database, string sql)
        {
            Connection = database.OpenExisting();
            Database.Execute(Connection, "PRAGMA cache_size=-4096");
            try
            {
                if (raw.sqlite3_prepare_v3(Connection.Handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var statement) != raw.SQLITE_OK) throw SqliteRows.Failure(Connection);
                Statement = statement;
                Rows = new SqliteRows(Connection, statement);
            }
            catch
            {
                Connection.Dispose();
                throw;
            }
        }

        public SqliteConnection Connection { get; }
        public sqlite3_stmt Statement { get; }
        public SqliteRows Rows { get; }

        public void Dispose()
        {
            Statement.Dispose();
            Connection.Dispose();
        }
    }
}

/// <summary>The rows of a running statement, read by column number.</summary>
sealed class SqliteRows(SqliteConnection connection, sqlite3_stmt statement) : Rows
{
    public override bool Step() => raw.sqlite3_step(statement) switch
    {
        raw.SQLITE_ROW => true,
        raw.SQLITE_DONE => false,
        _ => throw Failure(connection),
    };

    public static Exception Failure(SqliteConnection connection)
    {
        var code = raw.sqlite3_extended_errcode(connection.Handle);
        return (Exception?)StoreUnavailableException.From(code)
            ?? new SqliteException(raw.sqlite3_errmsg(connection.Handle).utf8_to_string(), code & 0xff, code);
    }

    public override bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;
    public override long Long(int column) => raw.sqlite3_column_int64(statement, column);
    public override string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string();
    public override byte[] Bytes(int column) => raw.sqlite3_column_blob(statement, column).ToArray();
}
