using System.Globalization;
using Latchkey.Server.Tests.Admin.Api;
using Latchkey.Server.Tests.Support;
using Npgsql;

namespace Latchkey.Server.Tests.CommandLine;

/// <summary><c>latchkey migrate --from sqlite:…</c>: a whole installation moves to PostgreSQL, and nothing is lost or there twice.</summary>
public sealed class MigrateFromTests : IDisposable
{
    static int _databases;

    readonly string _home = TempDirectory.Make();
    readonly string _name = $"moved_{Interlocked.Increment(ref _databases)}";

    public MigrateFromTests() => PostgreSqlServer.OfRun.Execute("postgres", $"CREATE DATABASE {_name}");

    public void Dispose()
    {
        NpgsqlConnection.ClearAllPools();
        PostgreSqlServer.OfRun.Execute("postgres", $"DROP DATABASE {_name} WITH (FORCE)");
        TempDirectory.Delete(_home);
    }

    (string Name, string Value)[] Target => [("Database:Provider", "PostgreSql"), ("Database:ConnectionString", PostgreSqlServer.OfRun.ConnectionString(_name))];

    (string Name, string Value)[] Environment(string? secrets = null) =>
        [.. Target.Select(setting => ("LATCHKEY_" + setting.Name.Replace(":", "__", StringComparison.Ordinal), setting.Value)), ("LATCHKEY_Secrets__Directory", secrets ?? Path.Combine(_home, "secrets"))];

    Task<CliResult> Move(string from, params string[] more) => Cli.Run(["migrate", "--from", "sqlite:" + from, "--data", Path.Combine(_home, "data"), .. more], Environment());

    async Task<Dictionary<string, (long Rows, long Copied)>> Moved(string from)
    {
        var result = await Move(from, "--json");
        Assert.True(result.Status == 0, result.Error);
        return result.Json.GetProperty("tables").EnumerateArray().ToDictionary(t => t.Text("table"), t => (t.GetProperty("rows").GetInt64(), t.GetProperty("copied").GetInt64()));
    }

    T Query<T>(string sql)
    {
        using var connection = new NpgsqlConnection(PostgreSqlServer.OfRun.ConnectionString(_name) + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return (T)Convert.ChangeType(command.ExecuteScalar()!, typeof(T), CultureInfo.InvariantCulture);
    }

    Task<TestServer> Serve(TestServer before) => TestServer.Run(Path.Combine(_home, "data"), before.Clock,
        [.. Target, ("Secrets:Directory", Path.Combine(_home, "secrets")), ("Blobs:Directory", Path.Combine(before.Data.Path, "files"))]);

    /// <summary>Rows in every table, some as only years of use would make them.</summary>
    static async Task<TestServer> FullShop()
    {
        var server = await Operations.Shop();
        var hash = new string('5', 64);
        Tables.Execute(server.Database(), $$"""
            UPDATE customers SET notes = 'Zoë' || char(10) || '"{}' || char(0) || '☃' WHERE id = 123;
            INSERT INTO retired_keys (key_hash, license_id, retired_at, good_until) VALUES (x'{{hash}}', 1, -1, 0), (x'00{{hash[2..]}}', 1, 9007199254740993, 1), (x'ff{{hash[2..]}}', 1, 5, 2);
            INSERT INTO activity_hours (hour, product_id, kind, outcome, count, bytes) VALUES (490000, 1, 0, 'ok', 7, 0), (490001, 1, 0, 'ok', 8, 0), (490001, 1, 0, 'DOMAIN_MISMATCH', 2, 5);
            UPDATE sqlite_sequence SET seq = 8000000 WHERE name = 'licenses';
            INSERT INTO sealed_keys (name, body) VALUES ('key-1', x'{{hash}}');
            """);
        return server;
    }

    [Fact]
    public async Task Every_row_of_every_table_is_there_and_all_goes_on_as_before()
    {
        await using var server = await FullShop();
        var license = server.Issue(1, "move.example");
        var (spent, fresh) = (await Link(server, license.LicenseKey!), await Link(server, license.LicenseKey!));
        Assert.Equal(200, (await server.Http.Get(spent)).Status);
        var names = server.WithDb(db => db.Model.GetEntityTypes().Select(entity => Microsoft.EntityFrameworkCore.RelationalEntityTypeExtensions.GetTableName(entity)).Distinct().Count());
        await server.Stop();

        var tables = await Moved(server.Data.Path);
        Assert.Equal(names - 2, tables.Count);
        Assert.All(tables, table => Assert.Equal((Tables.Query<long>(server.Database(), $"SELECT count(*) FROM {table.Key}"), table.Value.Rows), (Query<long>($"SELECT count(*) FROM {table.Key}"), table.Value.Copied)));
        Assert.Equal("Zoë\n\"{}\uFFFD☃", Query<string>("SELECT notes FROM customers WHERE id = 123"));

        await using var moved = await Serve(server);
        Assert.Equal(200, (await moved.Http.Verify(license.LicenseKey!, "move.example", 1)).Status);
        Assert.Equal(410, (await moved.Http.Get(spent)).Status);
        Assert.Equal(200, (await moved.Http.Get(fresh)).Status);
        Assert.Equal(410, (await moved.Http.Get(fresh)).Status);
        Assert.Equal((8_000_001, 8_000_002), (license.Id, moved.Issue(1, "next.example").Id));

        // The files lie where they lay, beside the database that was closed, and are ours.
        moved.Publish(1, [7]);
    }

    static async Task<string> Link(TestServer server, string key) => new Uri((await server.Http.Mint(key, "move.example", 1)).Json.GetProperty("data").Text("download_url")).PathAndQuery;

    [Fact]
    public async Task What_was_moved_is_closed_where_it_was()
    {
        await using var server = await Operations.Shop();
        await server.Stop();
        await Moved(server.Data.Path);
        foreach (var command in new[] { "serve", "doctor", "license list" })
        {
            var result = await Cli.Run([.. command.Split(' '), "--data", server.Data.Path]);
            Assert.Equal(1, result.Status);
            Assert.Contains("was moved to PostgreSQL", result.Error + result.Output, StringComparison.Ordinal);
        }

        // Into another database it does not go either: there would be two of it.
        PostgreSqlServer.OfRun.Execute("postgres", $"DROP DATABASE {_name} WITH (FORCE)");
        PostgreSqlServer.OfRun.Execute("postgres", $"CREATE DATABASE {_name}");
        PostgreSqlServer.OfRun.Execute("postgres", $"CREATE DATABASE {_name}_other");
        var again = await Cli.Run(["migrate", "--from", "sqlite:" + server.Data.Path], [.. Environment(), ("LATCHKEY_Database__ConnectionString", PostgreSqlServer.OfRun.ConnectionString(_name + "_other"))]);
        Assert.Contains("was moved to PostgreSQL", Shop.Sentence(again), StringComparison.Ordinal);
        PostgreSqlServer.OfRun.Execute("postgres", $"DROP DATABASE {_name}_other WITH (FORCE)");
    }

    [Fact]
    public async Task Killed_at_any_time_it_goes_on_and_no_server_works_with_either_half()
    {
        await using var server = await Operations.Shop();
        Tables.Execute(server.Database(), $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000) INSERT INTO licenses {AsTheFirst(server)} FROM n, licenses WHERE id = 1");
        await server.Stop();
        var kills = 0;
        for (var wanted = 1; wanted <= 100_001; wanted += 50_000)
        {
            using var process = Cli.Start(["migrate", "--from", "sqlite:" + server.Data.Path, "--data", Path.Combine(_home, "data")], Environment());
            await Poll.Until(() => Task.FromResult(process.HasExited || Licenses() >= wanted), done => done, 60);
            if (!process.HasExited) kills++;
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            var refused = await Cli.Run(["serve", "--urls", "http://127.0.0.1:0", "--data", Path.Combine(_home, "data")], Environment());
            Assert.Contains("run that again", Shop.Sentence(refused), StringComparison.Ordinal);
        }

        Assert.True(kills >= 2);
        var tables = await Moved(server.Data.Path);
        Assert.InRange(tables["licenses"].Copied, 0, tables["licenses"].Rows - 100_000);
        Assert.Equal(tables["licenses"].Rows, Query<long>("SELECT count(*) FROM licenses"));
    }

    long Licenses() => Query<long>("SELECT count(*) FROM information_schema.tables WHERE table_name = 'licenses'") == 0 ? 0 : Query<long>("SELECT count(*) FROM licenses");

    /// <summary>As the first license, many times.</summary>
    static string AsTheFirst(TestServer server)
    {
        var columns = Tables.Query<string>(server.Database(), "SELECT group_concat(name, ',') FROM pragma_table_info('licenses')").Split(',');
        return "SELECT " + string.Join(", ", columns.Select(column => column switch { "id" => "i + 1000", "key_hash" => "randomblob(32)", _ => column }));
    }

    [Fact]
    public async Task A_row_that_is_not_the_same_is_found_and_neither_is_opened_or_closed()
    {
        await using var server = await Operations.Shop();
        server.Issue(1, "one.example");
        server.Issue(1, "two.example");
        await server.Stop();
        Assert.Equal(0, (await Cli.Run(["migrate", "--from", "sqlite:" + server.Data.Path], Environment())).Status);

        // As it is when a move broke off before the comparison, and somebody was at the database.
        foreach (var (table, change, fault) in new[]
        {
            ("licenses", "UPDATE licenses SET channel = 'other' WHERE id = 1", "row 1 of licenses has another channel"),
            ("products", "INSERT INTO products SELECT (jsonb_populate_record(p, '{\"id\": 77}')).* FROM products p WHERE id = 1", "products has more rows"),
            ("audit", "ALTER TABLE audit DISABLE TRIGGER USER; DELETE FROM audit WHERE id = (SELECT min(id) FROM audit)", "row 1 of audit has another id"),
        })
        {
            Tables.Execute(server.Database(), "UPDATE installation SET closed = NULL");
            PostgreSqlServer.OfRun.Execute(_name, $"UPDATE installation SET closed = '{Filling}'; CREATE TABLE kept AS SELECT * FROM {table}; {change}");
            var result = await Move(server.Data.Path);
            Assert.True(result.Status == 1, $"{table} of {Tables.Query<long>(server.Database(), $"SELECT count(*) FROM {table}")} rows: {result.Output}");
            var sentence = Shop.Sentence(result);
            Assert.Contains(fault, sentence, StringComparison.Ordinal);
            Assert.Contains("is as it was", sentence, StringComparison.Ordinal);
            Assert.Equal(0, (await Cli.Run(["license", "list", "--data", server.Data.Path])).Status);
            Assert.Equal(Filling, Query<string>("SELECT closed FROM installation"));
            PostgreSqlServer.OfRun.Execute(_name, $"ALTER TABLE {table} DISABLE TRIGGER ALL; DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept; ALTER TABLE {table} ENABLE TRIGGER ALL; DROP TABLE kept");
        }

        await Moved(server.Data.Path);
    }

    const string Filling = "This database is being filled by \"latchkey migrate --from\", which has not come to its end: run that again.";

    [Fact]
    public async Task Nothing_is_touched_while_a_server_runs_nor_where_an_installation_is_already()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        await using (await shop.Serve())
        {
            Assert.Contains("stop its server first", Shop.Sentence(await Move(shop.Data)), StringComparison.Ordinal);
        }

        Assert.Equal(0, (await Cli.Run(["migrate"], Environment())).Status);
        Assert.Contains("secrets of another installation", Shop.Sentence(await Move(shop.Data)), StringComparison.Ordinal);
        var elsewhere = await Cli.Run(["migrate", "--from", "sqlite:" + shop.Database], Environment(Path.Combine(_home, "more")));
        Assert.Contains("holds an installation already", Shop.Sentence(elsewhere), StringComparison.Ordinal);
        await shop.Do("product", "list");
    }

    [Theory]
    [InlineData("sqlite:", 2, "is no place to move from")]
    [InlineData("mysql://somewhere", 2, "is no place to move from")]
    [InlineData("sqlite:/nowhere/at/all", 1, "There is no Latchkey data in /nowhere/at/all")]
    public async Task A_place_that_holds_nothing_is_told(string from, int status, string told)
    {
        var result = await Cli.Run(["migrate", "--from", from], Environment());
        Assert.Equal(status, result.Status);
        Assert.Contains(told, Shop.Sentence(result), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_target_it_says_how_to_name_one()
    {
        var result = await Cli.Run("migrate", "--from", "sqlite:/var/lib/latchkey");
        Assert.Equal(2, result.Status);
        Assert.Contains("Database:Provider=PostgreSql", Shop.Sentence(result), StringComparison.Ordinal);
    }
}
