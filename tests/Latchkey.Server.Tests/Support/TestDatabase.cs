using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using Latchkey.Server.Data;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace Latchkey.Server.Tests.Support;

/// <summary>
/// The database that this run is about: SQLite, or PostgreSQL where LATCHKEY_TEST_DATABASE says so. Each data
/// directory has one of its own: a copy of one that was migrated once.
/// </summary>
static class TestDatabase
{
    const string Marker = "test-database";
    static readonly Lazy<string> Template = new(MakeTemplate);
    static readonly Lazy<byte[]> SqliteTemplate = new(MakeSqliteTemplate);
    static readonly ConcurrentBag<string> Free = [];
    static int _made;

    public static bool IsPostgreSql { get; } = Environment.GetEnvironmentVariable("LATCHKEY_TEST_DATABASE") is "PostgreSql";

    /// <summary>What names the database of a data directory, which is made if there is none.</summary>
    public static IReadOnlyList<(string Name, string Value)> Settings(string directory) => !IsPostgreSql ? [] :
        [("Database:Provider", "PostgreSql"), ("Database:ConnectionString", ConnectionString(directory))];

    /// <summary>What a first start would make in a data directory that is empty, in less time.</summary>
    public static void Prepare(string directory)
    {
        if (IsPostgreSql || (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any())) return;
        Directory.CreateDirectory(directory);
        File.WriteAllBytes(DataDirectory.DatabaseFile(directory), SqliteTemplate.Value);
        MakeSecrets(directory);
    }

    static byte[] MakeSqliteTemplate()
    {
        var directory = TempDirectory.Make();
        DataDirectory.Open(directory, create: true, new FakeTimeProvider(TestServer.Start)).Database.Dispose();
        var template = File.ReadAllBytes(DataDirectory.DatabaseFile(directory));
        TempDirectory.Delete(directory);
        return template;
    }

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
            if (!Free.TryTake(out var name))
            {
                name = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _made)}");
                PostgreSqlServer.OfRun.Execute("postgres", $"CREATE DATABASE {name} TEMPLATE template_latchkey STRATEGY FILE_COPY");
            }

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
        var check = Convert.ToHexString(secrets.Check());
        command.CommandText = $"UPDATE installation SET pepper_check = {(IsPostgreSql ? $"decode('{check}', 'hex')" : $"x'{check}'")}";
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
        PostgreSqlServer.OfRun.Execute("template_latchkey", Keep);
        return directory;
    }

    /// <summary>What is in a new database, kept beside it, and what puts a used one back to that: it tells whether that could be done.</summary>
    const string Keep = """
        CREATE SCHEMA kept;
        CREATE FUNCTION kept.shape() RETURNS text LANGUAGE sql AS $$
            SELECT md5(string_agg(shape, ',' ORDER BY shape)) FROM (
                SELECT concat(relname, relkind, relhastriggers) || coalesce(pg_get_indexdef(i.indexrelid), '') FROM pg_class LEFT JOIN pg_index i ON i.indexrelid = pg_class.oid WHERE relnamespace = 'public'::regnamespace
                UNION ALL SELECT concat(attrelid::regclass, attname, atttypid, attnotnull) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0
                UNION ALL SELECT conrelid::regclass::text || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
                UNION ALL SELECT concat(tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
                UNION ALL SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace) AS shapes(shape) $$;
        DO $$ DECLARE name text; BEGIN
            FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%1$I', name); END LOOP;
        END $$;
        CREATE TABLE kept.as_made AS SELECT kept.shape() AS shape;
        CREATE FUNCTION kept.put_back() RETURNS boolean LANGUAGE plpgsql AS $$ DECLARE name text; BEGIN
            PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
            IF pg_database_size(current_database()) > 40000000 OR kept.shape() <> (SELECT shape FROM kept.as_made) THEN RETURN false; END IF;
            SET LOCAL session_replication_role = replica;
            FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                EXECUTE format('DELETE FROM public.%I', name);
                EXECUTE format('INSERT INTO public.%I OVERRIDING SYSTEM VALUE SELECT * FROM kept.%1$I', name);
            END LOOP;
            PERFORM setval(seqrelid::regclass, seqstart, false) FROM pg_sequence;
            RETURN true;
        END $$;
        """;

    /// <summary>Says which database a data directory has that was made by other means.</summary>
    public static void Name(string directory, string database) => File.WriteAllText(Path.Combine(directory, Marker), database);

    /// <summary>Forgets the database of a data directory that is deleted; the next one gets it as if it were new.</summary>
    public static void Drop(string directory)
    {
        var marker = Path.Combine(directory, Marker);
        if (!IsPostgreSql || !File.Exists(marker)) return;
        var name = File.ReadAllText(marker);
        using (var pool = new NpgsqlConnection(ConnectionString(directory))) NpgsqlConnection.ClearPool(pool);
        if (PostgreSqlServer.OfRun.Ask<bool>(name, "SELECT to_regnamespace('kept') IS NOT NULL") && PostgreSqlServer.OfRun.Ask<bool>(name, "SELECT kept.put_back()")) Free.Add(name);
        else PostgreSqlServer.OfRun.Execute("postgres", $"DROP DATABASE IF EXISTS {name} WITH (FORCE)");
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
