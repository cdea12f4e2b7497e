using System.Globalization;

namespace Latchkey.Server.Tests.Support;

/// <summary>The database seen with a tool, beside the program. It is named by its file, also where it has none.</summary>
static class Tables
{
    public static T Query<T>(string database, string sql)
    {
        using var connection = TestDatabase.Open(Path.GetDirectoryName(database)!);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (T)Convert.ChangeType(command.ExecuteScalar()!, typeof(T), CultureInfo.InvariantCulture);
    }

    /// <summary>Somebody else who writes for as long as this is held; what is read is answered meanwhile.</summary>
    public static IDisposable HoldWrites(string database)
    {
        var connection = TestDatabase.Open(Path.GetDirectoryName(database)!);
        using var command = connection.CreateCommand();
        command.CommandText = !TestDatabase.IsPostgreSql ? "BEGIN IMMEDIATE" : """
            BEGIN; DO $$ BEGIN EXECUTE (SELECT 'LOCK TABLE ' || string_agg(quote_ident(tablename), ', ') || ' IN EXCLUSIVE MODE' FROM pg_tables WHERE schemaname = 'public'); END $$
            """;
        command.ExecuteNonQuery();
        return new Held(connection);
    }

    sealed class Held(System.Data.Common.DbConnection connection) : IDisposable
    {
        public void Dispose()
        {
            using var command = connection.CreateCommand();
            command.CommandText = "ROLLBACK";
            command.ExecuteNonQuery();
            connection.Dispose();
        }
    }

    /// <summary>Whatever the database may have against rows like these, it has.</summary>
    public static void Refuse(string database, string table, string outcome) => Execute(database, TestDatabase.IsPostgreSql
        ? $"ALTER TABLE {table} ADD CONSTRAINT no CHECK (outcome <> '{outcome}')"
        : $"CREATE TRIGGER no BEFORE INSERT ON {table} WHEN NEW.outcome = '{outcome}' BEGIN SELECT raise(ABORT, 'no'); END");

    public static void AllowAgain(string database, string table) => Execute(database, TestDatabase.IsPostgreSql ? $"ALTER TABLE {table} DROP CONSTRAINT no" : "DROP TRIGGER no");

    /// <summary>All that lies in the database, as bytes.</summary>
    public static string Everything(string database)
    {
        var directory = Path.GetDirectoryName(database)!;
        if (!TestDatabase.IsPostgreSql)
        {
            var files = Directory.GetFiles(directory, "latchkey.db*").Where(file => !file.EndsWith("-shm", StringComparison.Ordinal));
            return string.Concat(files.Select(file =>
            {
                using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                return new StreamReader(stream, System.Text.Encoding.Latin1).ReadToEnd();
            }));
        }

        Execute(database, """
            CREATE OR REPLACE FUNCTION everything() RETURNS text LANGUAGE plpgsql SET bytea_output = 'escape' AS $$
            DECLARE found text := ''; part text; t text;
            BEGIN
                FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                    EXECUTE format('SELECT coalesce(string_agg(x::text, chr(10)), '''') FROM %I x', t) INTO part;
                    found := found || part;
                END LOOP;
                RETURN found;
            END $$
            """);
        return Query<string>(database, "SELECT everything()");
    }

    public static void Execute(string database, string sql)
    {
        using var connection = TestDatabase.Open(Path.GetDirectoryName(database)!);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
