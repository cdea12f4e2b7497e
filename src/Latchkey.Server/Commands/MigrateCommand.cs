using System.CommandLine;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey migrate</c></summary>
static class MigrateCommand
{
    static readonly Option<string?> From = new("--from") { Description = "Move the installation in this data directory into an empty PostgreSQL database. Run again, it goes on where it broke off", HelpName = "sqlite:DIR" };

    sealed record Migrated(string Database, IReadOnlyList<string> Applied);

    sealed record MovedAll(string Database, string From, IReadOnlyList<MoveFromSqlite.Moved> Tables);

    public static Command Make()
    {
        var command = new Command("migrate", "Bring a PostgreSQL database to the schema of this program, while older nodes go on. SQLite does so by itself.") { From };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult parsed)
    {
        var settings = CommandLine.SettingsOf(parsed);
        if (!settings.Database.IsPostgreSql)
        {
            throw new UsageException(parsed.GetValue(From) is null
                ? "The database is SQLite, which \"latchkey serve\" brings up to date by itself. For PostgreSQL set Database:Provider and Database:ConnectionString."
                : "Where to? Set Database:Provider=PostgreSql, and Database:ConnectionString to an empty database.");
        }

        using var database = new PostgreSqlDatabase(settings.Database.ConnectionString!, forCommand: true);
        if (parsed.GetValue(From) is { } from) return Move(parsed, settings, database, DataOf(from));
        var applied = PostgreSqlInstallation.Migrate(database, settings, TimeProvider.System);
        return Output.Done(parsed, new Migrated(database.Place, applied), Lines);
    }

    /// <summary>Of a place as <c>sqlite:/var/lib/latchkey</c>, with or without the name of the file in it.</summary>
    static string DataOf(string place)
    {
        const string scheme = "sqlite:";
        if (!place.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) || place.Length == scheme.Length) throw new UsageException($"\"{place}\" is no place to move from: write sqlite: and the data directory, as sqlite:/var/lib/latchkey.");
        var path = Path.GetFullPath(place[scheme.Length..]);
        return path == DataDirectory.DatabaseFile(Path.GetDirectoryName(path) ?? path) ? Path.GetDirectoryName(path)! : path;
    }

    static int Move(ParseResult parsed, Settings settings, PostgreSqlDatabase database, string from)
    {
        var shown = new Dictionary<string, Progress>();
        using var move = new MoveFromSqlite(from, database, settings) { Progress = Output.IsWatched(parsed) ? Show : null };
        var tables = move.Run();
        Keep(settings, Path.Combine(from, "files"), from);
        if (shown.Count > 0) Progress.End();
        return Output.Done(parsed, new MovedAll(database.Place, from, tables), moved => Lines(moved, settings));

        void Show(string what, long done, long all)
        {
            if (!shown.TryGetValue(what, out var line))
            {
                if (shown.Count > 0) Progress.End();
                line = shown[what] = new Progress(what, all);
            }

            line.Show(done);
        }
    }

    /// <summary>Its files stay those of the installation that moved, whatever database lies beside them.</summary>
    static void Keep(Settings settings, string files, string from)
    {
        if (!Directory.Exists(files)) return;
        using var secrets = Secrets.Load(PostgreSqlInstallation.SecretsDirectory(settings));
        new FileBlobOwner(files, from, BlobStores.NameOf(secrets)).Claim();
    }

    static IEnumerable<string> Lines(Migrated done)
    {
        foreach (var migration in done.Applied) yield return $"Applied {migration}.";
        yield return done.Applied.Count == 0 ? $"The database {done.Database} is up to date." : $"The database {done.Database} is ready: start the nodes with \"latchkey serve\".";
    }

    static IEnumerable<string> Lines(MovedAll moved, Settings settings)
    {
        foreach (var table in moved.Tables.Where(table => table.Rows > 0)) yield return $"{table.Table,-20} {table.Rows,12:N0} rows, the same in both";
        yield return "";
        yield return $"The installation in {moved.From} is now in {moved.Database}, and closed where it was.";
        var files = Path.Combine(moved.From, "files");
        var isUsed = !settings.Blobs.IsS3 && Path.GetFullPath(settings.Blobs.Directory ?? Path.Combine(settings.Data, "files")) == files;
        if (!isUsed && Directory.Exists(files)) yield return $"Its published files are still in {files}: all nodes must reach them (Blobs:Directory, or \"latchkey blobs copy --from {files} --to PLACE\").";
        yield return "Start the nodes with \"latchkey serve\".";
    }
}
