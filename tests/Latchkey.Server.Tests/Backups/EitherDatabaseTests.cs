using System.Globalization;
using Latchkey.Server.Tests.Admin.Api;
using Latchkey.Server.Tests.Support;
using Npgsql;

namespace Latchkey.Server.Tests.Backups;

/// <summary>A backup of one database is restored into the other: there and back, every row is what it was.</summary>
[Trait("Database", "Sqlite")]
public sealed class EitherDatabaseTests : IDisposable
{
    static int _databases;

    readonly string _home = TempDirectory.Make();
    readonly string _name = $"restored_{Interlocked.Increment(ref _databases)}";

    public EitherDatabaseTests() => PostgreSqlServer.OfRun.Execute("postgres", $"CREATE DATABASE {_name}");

    public void Dispose()
    {
        NpgsqlConnection.ClearAllPools();
        PostgreSqlServer.OfRun.Execute("postgres", $"DROP DATABASE {_name} WITH (FORCE)");
        TempDirectory.Delete(_home);
    }

    string In(string name) => Path.Combine(_home, name);

    (string, string)[] Shared => [("LATCHKEY_Database__Provider", "PostgreSql"), ("LATCHKEY_Database__ConnectionString", PostgreSqlServer.OfRun.ConnectionString(_name))];

    T Query<T>(string sql)
    {
        using var connection = new NpgsqlConnection(PostgreSqlServer.OfRun.ConnectionString(_name) + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return (T)Convert.ChangeType(command.ExecuteScalar()!, typeof(T), CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task From_SQLite_into_PostgreSQL_and_back_every_row_is_the_same_and_ids_go_on()
    {
        // Rows in every table, some as only years of use would make them.
        await using var server = await Operations.Shop();
        Tables.Execute(server.Database(), $$"""
            UPDATE customers SET notes = 'Zoë' || char(10) || '"{}☃' WHERE id = 123;
            INSERT INTO retired_keys (key_hash, license_id, retired_at, good_until) VALUES (x'{{new string('5', 64)}}', 1, -1, 9007199254740993);
            INSERT INTO activity_hours (hour, product_id, kind, outcome, count, bytes) VALUES (490000, 1, 0, 'ok', 7, 0), (490001, 1, 0, 'DOMAIN_MISMATCH', 2, 5);
            UPDATE sqlite_sequence SET seq = 8000000 WHERE name = 'licenses';
            """);
        await BackedUp.Done(["backup", "--to", In("first"), "--data", server.Data.Path]);
        await BackedUp.Done(["restore", "--from", In("first"), "--data", In("one")]);

        var moved = await BackedUp.Done(["restore", "--from", In("first"), "--data", In("two")], Shared);
        Assert.Equal(2, moved.GetProperty("files").GetInt32());
        Assert.Equal(["files", "secrets", "upgrade.lock"], Directory.EnumerateFileSystemEntries(In("two")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(0L, Query<long>("SELECT count(*) FROM download_tokens WHERE revoked_at IS NULL AND spent_at IS NULL"));
        Assert.Contains("holds an installation already", Shop.Refused(1, await BackedUp.Cli(["restore", "--from", In("first"), "--data", In("three"), "--json"], Shared)), StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("three")));

        var made = await BackedUp.Done(["backup", "--to", In("second"), "--data", In("two")], Shared);
        await BackedUp.Done(["backup", "verify", "--from", In("second")]);
        await BackedUp.Done(["restore", "--from", In("second"), "--data", In("back")]);
        foreach (var table in made.GetProperty("rows").EnumerateObject().Select(table => table.Name).Where(table => table is not ("backup_results" or "leases" or "download_tokens" or "installation")))
        {
            var (before, after) = (BackedUp.Rows(Path.Combine(In("one"), "latchkey.db"), table), BackedUp.Rows(Path.Combine(In("back"), "latchkey.db"), table));
            Assert.True(before.SequenceEqual(after), $"{table}:\n{string.Join('\n', before.Except(after))}\nbecame\n{string.Join('\n', after.Except(before))}");
        }

        await using var back = await TestServer.Run(In("back"), server.Clock);
        Assert.Equal(8_000_001, back.Issue(1, "next.example").Id);
    }

    [Fact]
    public async Task One_that_broke_off_while_it_filled_PostgreSQL_is_no_installation_and_the_next_begins_anew()
    {
        await using var server = await Operations.Shop();
        await BackedUp.Done(["backup", "--to", In("backup"), "--data", server.Data.Path]);
        await BackedUp.Done(["migrate", "--data", In("schema")], Shared);
        PostgreSqlServer.OfRun.Execute(_name, "DELETE FROM installation; ALTER TABLE licenses ADD CONSTRAINT full_disk CHECK (id < 0)");
        string[] restore = ["restore", "--from", In("backup"), "--data", In("target")];
        Assert.EndsWith("run the same again, and it begins anew.", Shop.Refused(1, await BackedUp.Cli([.. restore, "--json"], Shared)), StringComparison.Ordinal);
        Assert.Contains("\"latchkey restore\", which has not come to its end", Shop.Refused(1, await BackedUp.Cli(["license", "list", "--data", In("target"), "--json"], Shared)), StringComparison.Ordinal);
        Assert.NotEqual(0, Query<long>("SELECT count(*) FROM products"));

        PostgreSqlServer.OfRun.Execute(_name, "ALTER TABLE licenses DROP CONSTRAINT full_disk; UPDATE products SET name = 'of the one that broke off'");
        await BackedUp.Done(restore, Shared);
        Assert.Equal(0, Query<long>("SELECT count(*) FROM products WHERE name = 'of the one that broke off'"));
        Assert.Equal(BackedUp.Rows(server.Database(), "licenses").Length, Query<int>("SELECT count(*) FROM licenses"));
        Assert.Equal(["files", "secrets", "upgrade.lock"], Directory.EnumerateFileSystemEntries(In("target")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        await BackedUp.Done(["license", "list", "--data", In("target")], Shared);
    }
}
