using System.Collections.Concurrent;
using Latchkey.Server.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Latchkey.Server.Tests.Backups;

/// <summary>The drill: load, a backup meanwhile, everything gone, a restore, and a comparison.</summary>
public sealed class DrillTests : IDisposable
{
    static readonly string[] Office = ["products", "releases", "artifacts", "licenses", "license_domains", "customers", "audit", "operators", "api_keys"];
    static int _databases;

    readonly string _home = TempDirectory.Make();

    public void Dispose() => TempDirectory.Delete(_home);

    /// <summary>What was answered, and when.</summary>
    sealed class Ledger
    {
        public ConcurrentBag<string> Open { get; } = [];
        public ConcurrentBag<string> Spent { get; } = [];
        public ConcurrentBag<int> Wrong { get; } = [];
        public volatile bool IsOver;
    }

    static async Task Customer(TestServer server, string key, Ledger ledger)
    {
        using var http = server.Client();
        for (var turn = 0; !ledger.IsOver; turn++)
        {
            if ((await http.Verify(key, "drill.example", 1)).Status is var status and not 200) ledger.Wrong.Add(status);
            var link = await http.MintPathOf(key, "drill.example", 1);
            if (turn % 2 == 0)
            {
                ledger.Open.Add(link);
                continue;
            }

            if ((await http.Get(link)).Status is var claimed and not 200) ledger.Wrong.Add(claimed);
            ledger.Spent.Add(link);
        }
    }

    [Fact]
    public async Task A_backup_under_load_comes_back_row_for_row_and_no_link_works_again()
    {
        var (place, data) = (Path.Combine(_home, "backups"), Path.Combine(_home, "data"));
        var clock = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        Dictionary<string, string[]> office;
        string key;
        string[] open, spent;
        var ledger = new Ledger();
        await using (var server = await TestServer.Run(data, clock))
        {
            server.AddProduct();
            server.Publish(1, new byte[200_000]);
            key = server.Issue(1, "drill.example").LicenseKey!;
            var customers = Enumerable.Range(0, 4).Select(_ => Customer(server, key, ledger)).ToArray();
            await Poll.Until(() => Task.FromResult(ledger.Spent.Count), count => count > 40);
            (open, spent) = ([.. ledger.Open], [.. ledger.Spent]);
            office = Rows(data);
            var at = ledger.Spent.Count;
            var made = await BackedUp.Done(["backup", "--to", place, "--data", data]);
            Assert.True(ledger.Spent.Count > at, "nothing went on meanwhile");
            Assert.Equal(1, made.GetProperty("rows").GetProperty("licenses").GetInt64());

            // After the backup: what a copy cannot know.
            ledger.IsOver = true;
            await Task.WhenAll(customers);
            foreach (var link in open.Take(5)) Assert.Equal(200, (await server.Http.Get(link)).Status);
            server.Operate(licenses => licenses.Suspend(1));
        }

        Assert.Empty(ledger.Wrong);
        Assert.False(Directory.Exists(data));
        await BackedUp.Done(["backup", "verify", "--from", place]);
        var restored = await Restore(place, data);
        Assert.True(restored.GetProperty("dead_links").GetInt64() >= open.Length);
        foreach (var (table, rows) in Rows(data)) Assert.Equal(office[table], rows);
        await AllLinksAreDead(data, clock, key, open, spent);
    }

    static Dictionary<string, string[]> Rows(string data)
    {
        using var connection = TestDatabase.Open(data);
        return Office.ToDictionary(table => table, table => BackedUp.Rows(connection, table));
    }

    /// <summary>On PostgreSQL into a new database, as empty as the directory.</summary>
    static async Task<System.Text.Json.JsonElement> Restore(string place, string data)
    {
        string[] restore = ["restore", "--from", place];
        if (!TestDatabase.IsPostgreSql) return await BackedUp.Done([.. restore, "--data", data]);
        var name = $"drill_{Interlocked.Increment(ref _databases)}";
        PostgreSqlServer.OfRun.Execute("postgres", $"CREATE DATABASE {name}");
        var restored = await BackedUp.Done(restore, ("LATCHKEY_DATA", data), ("LATCHKEY_Database__Provider", "PostgreSql"), ("LATCHKEY_Database__ConnectionString", PostgreSqlServer.OfRun.ConnectionString(name)));
        TestDatabase.Name(data, name);
        return restored;
    }

    static async Task AllLinksAreDead(string data, FakeTimeProvider clock, string key, string[] open, string[] spent)
    {
        await using var server = await TestServer.Run(data, clock);
        foreach (var link in spent) (await server.Http.Get(link)).Is(410, "DOWNLOAD_TOKEN_USED");
        foreach (var link in open) (await server.Http.Get(link)).Is(410, "DOWNLOAD_TOKEN_EXPIRED");
        Assert.Equal(200, (await server.Http.Verify(key, "drill.example", 1)).Status);
        Assert.Equal(200_000, (await server.Http.Get(await server.Http.MintPathOf(key, "drill.example", 1))).Bytes.Length);
    }

    /// <summary>SQLite's backup begins anew where another process writes in between: it is made in one step.</summary>
    [Fact]
    [Trait("Database", "Sqlite")]
    public async Task A_copy_comes_to_its_end_while_others_write_without_a_pause()
    {
        await using var server = await TestServer.Run();
        server.AddProduct();
        Tables.Execute(server.Database(), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO customers (id, name, email, notes, created_at) SELECT i, 'n', '', hex(randomblob(500)), 1 FROM n");
        using var over = new CancellationTokenSource();
        var written = 0;
        var writer = Task.Run(
            () =>
            {
                using var connection = TestDatabase.Open(server.Data.Path);
                using var command = connection.CreateCommand();
                command.CommandText = "PRAGMA synchronous=OFF; UPDATE customers SET notes = hex(randomblob(500)) WHERE id = 1 + abs(random()) % 20000";
                for (; !over.IsCancellationRequested; written++) command.ExecuteNonQuery();
            },
            TestContext.Current.CancellationToken);
        await Poll.Until(() => Task.FromResult(written), count => count > 100);
        var before = written;
        await Task.Run(() => BackedUp.Make(server, Path.Combine(_home, "backups"))).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.True(written > before);
        await over.CancelAsync();
        await writer;
    }
}

static class DrillAnswers
{
    public static void Is(this Reply reply, int status, string code) => Assert.Equal((status, code), (reply.Status, reply.Code));
}
