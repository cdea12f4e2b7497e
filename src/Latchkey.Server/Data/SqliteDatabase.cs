using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using SQLitePCL;

namespace Latchkey.Server.Data;

/// <summary>Opens connections to the embedded database, all with the same promises.</summary>
sealed class SqliteDatabase(string path)
{
    /// <summary>Before it, a WAL reset could lose a commit that raced with a checkpoint.</summary>
    public static readonly Version MinVersion = new(3, 51, 3);

    /// <summary>"LKEY": tells our database from any other SQLite file.</summary>
    public const int ApplicationId = 0x4C4B4559;

    public const int BusySeconds = 5;

    static SqliteDatabase() => Batteries_V2.Init();

    public string Path => path;

    /// <summary>Who writes in this process takes a turn first; other processes are met at SQLite's own lock.</summary>
    public WriteTurn Turn { get; } = new();

    public static Version LibraryVersion => Version.Parse(raw.sqlite3_libversion().utf8_to_string());

    /// <exception cref="SqliteException">The file cannot be opened or made.</exception>
    public SqliteConnection Open() => Open(SqliteOpenMode.ReadWriteCreate);

    public SqliteConnection OpenExisting() => Open(SqliteOpenMode.ReadWrite);

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

    public static LatchkeyDb OpenContext(SqliteConnection connection) =>
        new(new DbContextOptionsBuilder<LatchkeyDb>().UseSqlite(connection).Options);

    string ConnectionString(SqliteOpenMode mode) => new SqliteConnectionStringBuilder
    {
        DataSource = path,
        Mode = mode,
        Pooling = false,
        ForeignKeys = true,
        DefaultTimeout = BusySeconds,
    }.ToString();

    static void Configure(SqliteConnection connection) => Execute(connection, $"""
        PRAGMA busy_timeout={BusySeconds * 1000};
        PRAGMA journal_mode=WAL;
        PRAGMA synchronous=FULL;
        PRAGMA wal_autocheckpoint=8192;
        PRAGMA journal_size_limit=67108864;
        PRAGMA temp_store=MEMORY;
        PRAGMA trusted_schema=OFF;
        """);

    public static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public static T? Scalar<T>(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        var value = command.ExecuteScalar();
        return value is null or DBNull ? default : (T)Convert.ChangeType(value, typeof(T), CultureInfo.InvariantCulture);
    }
}
