using System.Data.Common;
using System.Globalization;
using Latchkey.Server.Data;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Latchkey.Server.Tests.Support;

/// <summary>
/// The database that this run is about: SQLite, or PostgreSQL where LATCHKEY_TEST_DATABASE says so. Each data
/// directory has one of its own; on PostgreSQL it is a copy of one that was migrated once.
/// </summary>
static class TestDatabase
{
    const string Marker = "test-database";
    static readonly Lazy<string> Template = new(MakeTemplate);
    static int _made;

    public static bool IsPostgreSql { get; } = Environment.GetEnvironmentVariable("LATCHKEY_TEST_DATABASE") is "PostgreSql";

    /// <summary>What names the database of a data directory, which is made if there is none.</summary>
    public static IReadOnlyList<(string Name, string Value)> Settings(string directory) => !IsPostgreSql ? [] :
        [("Database:Provider", "PostgreSql"), ("Database:ConnectionString", ConnectionString(directory))];

    /// <summary>The same for a process.</summary>
    public static IEnumerable<(string Name, string Value)> ForProcess(string directory) =>
        Settings(directory).Select(setting => ("LATCHKEY_" + setting.Name.Replace(":", "__", StringComparison.Ordinal), setting.Value));

    static string ConnectionString(string directory) => PostgreSqlServer.OfRun.ConnectionString(NameOf(directory));

    static string NameOf(string directory)
    {
        var marker = Path.Combine(directory, Marker);
        lock (Template)
        {
            if (File.Exists(marker)) return File.ReadAllText(marker);
            _ = Template.Value;
            var name = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _made)}");
            PostgreSqlServer.OfRun.Execute("postgres", $"CREATE DATABASE {name} TEMPLATE template_latchkey STRATEGY FILE_COPY");
            Directory.CreateDirectory(directory);
            File.WriteAllText(marker, name);
            MakeSecrets(directory);
            return name;
        }
    }

    /// <summary>Each installation has its own.</summary>
    static void MakeSecrets(string directory)
    {
        Secrets.Create(DataDirectory.SecretsDirectory(directory));
        using var secrets = Secrets.Load(DataDirectory.SecretsDirectory(directory));
        using var connection = Open(directory);
        using var command = connection.CreateCommand();
        command.CommandText = $"UPDATE installation SET pepper_check = decode('{Convert.ToHexString(secrets.Check())}', 'hex')";
        command.ExecuteNonQuery();
    }

    /// <summary>The functions of SQLite that tests put into their own statements.</summary>
    const string AsInSqlite = """
        CREATE FUNCTION randomblob(int) RETURNS bytea LANGUAGE sql AS $$ SELECT substr(decode(md5(random()::text) || md5(random()::text), 'hex'), 1, $1) $$;
        CREATE FUNCTION zeroblob(int) RETURNS bytea LANGUAGE sql AS $$ SELECT decode(repeat('00', $1), 'hex') $$;
        CREATE FUNCTION hex(bytea) RETURNS text LANGUAGE sql AS $$ SELECT upper(encode($1, 'hex')) $$;
        CREATE FUNCTION printf(text, bigint) RETURNS text LANGUAGE sql AS $$ SELECT lpad($2::text, substr($1, 3, 3)::int, '0') $$;
        CREATE FUNCTION unixepoch(text) RETURNS bigint LANGUAGE sql AS $$ SELECT extract(epoch FROM $1::timestamp)::bigint $$;
        CREATE FUNCTION strftime(text, bigint, text) RETURNS text LANGUAGE sql AS
            $$ SELECT to_char(to_timestamp($2) AT TIME ZONE 'UTC', replace(replace(replace($1, '%d', 'DD'), '%H', 'HH24'), '%M', 'MI')) $$;
        """;

    static string MakeTemplate()
    {
        var directory = TempDirectory.Make();
        PostgreSqlServer.OfRun.Execute("postgres", "CREATE DATABASE template_latchkey");
        var settings = Configuration.Settings.Read(
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Data"] = directory,
                ["Database:Provider"] = "PostgreSql",
                ["Database:ConnectionString"] = PostgreSqlServer.OfRun.ConnectionString("template_latchkey") + ";Pooling=false",
            }).Build(), out _);
        using var database = new PostgreSqlDatabase(settings.Database.ConnectionString!);
        PostgreSqlInstallation.Migrate(database, settings, new FakeTimeProvider(TestServer.Start));
        PostgreSqlServer.OfRun.Execute("template_latchkey", AsInSqlite);
        return directory;
    }

    /// <summary>Forgets the database of a data directory that is deleted.</summary>
    public static void Drop(string directory)
    {
        var marker = Path.Combine(directory, Marker);
        if (!IsPostgreSql || !File.Exists(marker)) return;
        using (var pool = new NpgsqlConnection(ConnectionString(directory))) NpgsqlConnection.ClearPool(pool);
        PostgreSqlServer.OfRun.Execute("postgres", $"DROP DATABASE IF EXISTS {File.ReadAllText(marker)} WITH (FORCE)");
    }

    /// <summary>The database seen with a tool, beside the program.</summary>
    public static DbConnection Open(string directory)
    {
        SQLitePCL.Batteries_V2.Init();
        DbConnection connection = IsPostgreSql
            ? new NpgsqlConnection(ConnectionString(directory))
            : new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = DataDirectory.DatabaseFile(directory), Pooling = false }.ToString());
        connection.Open();
        return connection;
    }
}
