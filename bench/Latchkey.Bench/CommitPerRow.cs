using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;

namespace Latchkey.Bench;

/// <summary>The limit for minting: the same sort of row, each in a durable commit of its own, by one thread.</summary>
sealed class CommitPerRow : IDisposable
{
    readonly SqliteConnection _connection;
    readonly SqliteCommand _insert;

    /// <param name="path">Made afresh.</param>
    public CommitPerRow(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        foreach (var file in new[] { path, path + "-wal", path + "-shm" }) File.Delete(file);
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        using var make = _connection.CreateCommand();
        make.CommandText = """
            PRAGMA journal_mode=WAL;
            PRAGMA synchronous=FULL;
            CREATE TABLE tokens (id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, license_id INTEGER NOT NULL,
              artifact_id INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL);
            CREATE INDEX tokens_expires_at ON tokens (expires_at);
            """;
        make.ExecuteNonQuery();
        _insert = Prepare();
    }

    SqliteCommand Prepare()
    {
        var insert = _connection.CreateCommand();
        insert.CommandText = "INSERT INTO tokens (hash, license_id, artifact_id, created_at, expires_at) VALUES ($1, $2, 1, $3, $4)";
        foreach (var name in new[] { "$1", "$2", "$3", "$4" }) insert.Parameters.Add(new SqliteParameter(name, null));
        return insert;
    }

    /// <returns>Rows a second, each on disk before the next.</returns>
    public double Insert(TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        long rows = 0;
        for (; clock.Elapsed < time; rows++)
        {
            _insert.Parameters[0].Value = RandomNumberGenerator.GetBytes(32);
            _insert.Parameters[1].Value = rows;
            _insert.Parameters[2].Value = clock.ElapsedTicks;
            _insert.Parameters[3].Value = clock.ElapsedTicks + 1;
            _insert.ExecuteNonQuery();
        }

        return rows / clock.Elapsed.TotalSeconds;
    }

    public void Dispose()
    {
        _insert.Dispose();
        _connection.Dispose();
    }
}
