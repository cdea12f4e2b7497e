using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using SQLitePCL;

namespace Latchkey.Server.Data;

/// <summary>Opens connections to the embedded database, all with the same promises.</summary>
sealed class SqliteDatabase(string path) : Database
{
    /// <summary>Before it, a WAL reset could lose a commit that raced with a checkpoint.</summary>
    public static readonly Version MinVersion = new(3, 51, 3);

    /// <summary>"LKEY": tells our database from any other SQLite file.</summary>
    public const int ApplicationId = 0x4C4B4559;

    /// <summary>How long what an operator does waits for another process that writes.</summary>
    public TimeSpan Patience { get; private set; } = TimeSpan.FromSeconds(5);

    /// <summary>The same for what goes through the queue, as customers' requests do.</summary>
    public TimeSpan PatienceOfQueue { get; private set; } = TimeSpan.FromSeconds(1.5);

    static SqliteDatabase() => Batteries_V2.Init();

    public override bool IsEmbedded => true;
    public override string Place => path;
    public override string Version => $"SQLite {LibraryVersion}";
    public override Dialect Dialect => Dialect.Sqlite;
    public string Path => path;

    /// <summary>Who writes in this process takes a turn first; other processes are met at SQLite's own lock.</summary>
    public WriteTurn Turn { get; } = new(TimeSpan.FromSeconds(5));

    public static Version LibraryVersion => System.Version.Parse(raw.sqlite3_libversion().utf8_to_string());

    /// <summary>
    /// For a command beside a server: SQLite's lock is polled for, and a server that writes without a pause is quicker nearly
    /// every time. Nobody but who typed the command waits for it.
    /// </summary>
    public void WaitAsCommand() => Patience = PatienceOfQueue = TimeSpan.FromSeconds(30);

    /// <exception cref="SqliteException">The file cannot be opened or made.</exception>
    public SqliteConnection Create() => Open(SqliteOpenMode.ReadWriteCreate);

    public SqliteConnection OpenExisting() => Open(SqliteOpenMode.ReadWrite);

    public override DbConnection Open() => OpenExisting();

    public override Lookup Prepare(string sql, params LookupKey[] parameters) => new SqliteLookup(this, sql, parameters);

    public override WriteQueue MakeWriteQueue() => new SqliteWriteQueue(this);

    public override Change Begin(LatchkeyDb db)
    {
        var turn = Turn.Take(forCustomers: false);
        try
        {
            return new Change(turn, db.Database.BeginTransaction());
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    public override DbParameter Parameter(int number, object? value) => new SqliteParameter("$" + number.ToString(CultureInfo.InvariantCulture), value is null or Null ? DBNull.Value : value);

    /// <summary>Asked in between, and not told once: the client may have gone before the statement began.</summary>
    public override IDisposable StopWhen(DbConnection connection, CancellationToken gone)
    {
        const int stepsBetween = 1000;
        var handle = ((SqliteConnection)connection).Handle;
        raw.sqlite3_progress_handler(handle, stepsBetween, _ => gone.IsCancellationRequested ? 1 : 0, null);
        return new Stopping(handle!);
    }

    sealed class Stopping(sqlite3 handle) : IDisposable
    {
        public void Dispose() => raw.sqlite3_progress_handler(handle, 0, null, null);
    }

    public override bool WasStopped(Exception failure) => failure is SqliteException { SqliteErrorCode: raw.SQLITE_INTERRUPT };

    public override (long Bytes, long LogBytes) Size(DbConnection connection) => (SizeOf(path), SizeOf(path + "-wal"));

    static long SizeOf(string file) => new FileInfo(file) is { Exists: true } there ? there.Length : 0;

    SqliteConnection Open(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(ConnectionString(mode));
        try
        {
            connection.Open();
            Configure(connection);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public override LatchkeyDb OpenContext() =>
        new SqliteDb(new DbContextOptionsBuilder<SqliteDb>().UseSqlite(OpenExisting(), contextOwnsConnection: true, _ => { }).Options);

    public override LatchkeyDb OpenContext(DbConnection connection) =>
        new SqliteDb(new DbContextOptionsBuilder<SqliteDb>().UseSqlite(connection).Options);

    string ConnectionString(SqliteOpenMode mode) => new SqliteConnectionStringBuilder
    {
        DataSource = path,
        Mode = mode,
        Pooling = false,
        ForeignKeys = true,
        DefaultTimeout = (int)Patience.TotalSeconds,
    }.ToString();

    void Configure(SqliteConnection connection) => Execute(connection, $"""
        PRAGMA busy_timeout={(int)Patience.TotalMilliseconds};
        PRAGMA journal_mode=WAL;
        PRAGMA synchronous=FULL;
        PRAGMA wal_autocheckpoint=8192;
        PRAGMA journal_size_limit=67108864;
        PRAGMA temp_store=MEMORY;
        PRAGMA trusted_schema=OFF;
        """);

    public override void Dispose()
    {
        // Connections are their openers'.
    }
}
