using Latchkey.Server.Data;
using Latchkey.Server.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Latchkey.Server.Tests.DataDirectories;

/// <summary>A shared database is brought up to date by <c>latchkey migrate</c>, whoever else does so at the same time.</summary>
public sealed class PostgreSqlMigrationTests : IDisposable
{
    const string Name = "migrated";

    readonly string _data = TempDirectory.Make();

    public PostgreSqlMigrationTests() => PostgreSqlServer.OfRun.Execute("postgres", $"CREATE DATABASE {Name}");

    public void Dispose()
    {
        PostgreSqlServer.OfRun.Execute("postgres", $"DROP DATABASE {Name} WITH (FORCE)");
        TempDirectory.Delete(_data);
    }

    (string Name, string Value)[] Settings => [("Data", _data), ("Database:Provider", "PostgreSql"), ("Database:ConnectionString", PostgreSqlServer.OfRun.ConnectionString(Name) + ";Pooling=false")];

    Task<CliResult> Run(params string[] arguments) =>
        Cli.Run([.. arguments, "--json"], [.. Settings.Select(setting => ("LATCHKEY_" + setting.Name.Replace(":", "__", StringComparison.Ordinal), setting.Value))]);

    [Fact]
    public async Task A_database_of_somebody_elses_is_left_as_it_is()
    {
        PostgreSqlServer.OfRun.Execute(Name, "CREATE TABLE shop (id int)");
        Assert.Contains("holds something else, as the table \"shop\"", Shop.Refused(1, await Run("migrate")), StringComparison.Ordinal);
        Assert.Equal(1L, PostgreSqlServer.OfRun.Ask<long>(Name, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"));
    }

    [Fact]
    public async Task A_database_of_the_first_schema_is_not_served_and_three_at_once_bring_it_up_to_date_once()
    {
        var all = MigrationNames.Of(typeof(PostgreSqlDb));
        var settings = Configuration.Settings.Read(new ConfigurationBuilder().AddInMemoryCollection(Settings.ToDictionary(s => s.Name, s => (string?)s.Value)).Build(), out _);
        using (var database = new PostgreSqlDatabase(settings.Database.ConnectionString!))
        {
            Assert.Equal(all.Take(1), PostgreSqlInstallation.Migrate(database, settings, new FakeTimeProvider(TestServer.Start), to: all[0]));
        }

        PostgreSqlServer.OfRun.Execute(Name, "INSERT INTO products (id, name, key_prefix, key_length, api_download, bind_on_first_use, created_at) VALUES (7, 'Old', 'OLD', 16, true, true, 5)");
        Assert.Contains("run \\\"latchkey migrate\\\"", (await Run("product", "list")).Output, StringComparison.Ordinal);

        var done = await Task.WhenAll(Run("migrate"), Run("migrate"), Run("migrate"));
        Assert.All(done, result => Assert.Equal(0, result.Status));
        Assert.Equal(all.Skip(1), done.SelectMany(result => result.Json.GetProperty("applied").EnumerateArray().Select(name => name.GetString()!)));
        var product = Assert.Single((await Run("product", "list")).Json.EnumerateArray().ToList());
        Assert.Equal((7, "Old"), (product.Id(), product.Text("name")));
    }
}
