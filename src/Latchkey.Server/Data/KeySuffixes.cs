using Latchkey.Server.Licenses;
using Microsoft.Data.Sqlite;

namespace Latchkey.Server.Data;

/// <summary>Fills what a migration in SQL cannot: the readable ends of keys that were issued before there were any.</summary>
static class KeySuffixes
{
    const int Batch = 5000;

    public static bool AreMissing(SqliteConnection connection) =>
        Database.Scalar<long>(connection, "SELECT EXISTS (SELECT 1 FROM licenses WHERE key_suffix = '')") == 1;

    /// <summary>A killed upgrade goes on where it stopped.</summary>
    public static void Fill(SqliteDatabase database, SqliteConnection connection, Secrets secrets)
    {
        using var session = new WriteSession(database, connection);
        while (Missing(connection) is { Count: > 0 } part)
        {
            session.Begin();
            foreach (var (id, cipher, hash) in part) session.Execute("UPDATE licenses SET key_suffix = $2 WHERE id = $1", id, LicenseKey.Suffix(secrets.Open(cipher, hash)));
            session.Commit();
        }
    }

    static List<(long Id, byte[] Cipher, byte[] Hash)> Missing(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT id, key_cipher, key_hash FROM licenses WHERE key_suffix = '' LIMIT {Batch}";
        using var reader = command.ExecuteReader();
        var rows = new List<(long, byte[], byte[])>();
        while (reader.Read()) rows.Add((reader.GetInt64(0), (byte[])reader[1], (byte[])reader[2]));
        return rows;
    }
}
