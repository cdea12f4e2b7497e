using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Latchkey.Server.Data;

/// <summary>
/// One prepared statement on a connection of its own, as many times as threads ask at once. The raw
/// statement is used because Microsoft.Data.Sqlite's reader costs about as much again as the look-up.
/// Each run is a transaction of its own, so it sees what was committed last, by whichever process.
/// </summary>
sealed class ReaderPool(SqliteDatabase database, string sql) : IDisposable
{
    const int MaxIdle = 8;

    // Last in, first out: the few connections that are in use keep the upper pages of the trees in their cache.
    readonly Stack<Reader> _idle = new(MaxIdle);
    bool _disposed;

    /// <param name="argument">What the statement is given.</param>
    /// <param name="bind">Puts it in.</param>
    /// <param name="read">Reads the first row, with <c>Step</c> for more. Null where there is none.</param>
    /// <exception cref="StoreUnavailableException">The database cannot be read right now.</exception>
    public T? Read<TArgument, T>(TArgument argument, Action<sqlite3_stmt, TArgument> bind, Func<Rows, T> read)
        where T : class
        where TArgument : allows ref struct
    {
        var reader = Rent();
        try
        {
            bind(reader.Statement, argument);
            var rows = new Rows(reader.Connection, reader.Statement);
            var result = rows.Step() ? read(rows) : null;
            raw.sqlite3_reset(reader.Statement);
            Return(reader);
            return result;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
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

    public void Dispose()
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
            SqliteDatabase.Execute(Connection, "PRAGMA cache_size=-4096");
            try
            {
                if (raw.sqlite3_prepare_v3(Connection.Handle, sql, raw.SQLITE_PREPARE_PERSISTENT, out var statement) != raw.SQLITE_OK) throw Rows.Failure(Connection);
                Statement = statement;
            }
            catch
            {
                Connection.Dispose();
                throw;
            }
        }

        public SqliteConnection Connection { get; }
        public sqlite3_stmt Statement { get; }

        public void Dispose()
        {
            Statement.Dispose();
            Connection.Dispose();
        }
    }
}

/// <summary>The rows of a running statement, read by column number.</summary>
readonly struct Rows(SqliteConnection connection, sqlite3_stmt statement)
{
    public bool Step() => raw.sqlite3_step(statement) switch
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

    public bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;
    public long Long(int column) => raw.sqlite3_column_int64(statement, column);
    public string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string();
    public byte[] Bytes(int column) => raw.sqlite3_column_blob(statement, column).ToArray();
    public long? LongOrNull(int column) => IsNull(column) ? null : Long(column);
    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);
    public DateTimeOffset Time(int column) => UnixMicroseconds.To(Long(column));
    public DateTimeOffset? TimeOrNull(int column) => IsNull(column) ? null : Time(column);
}
