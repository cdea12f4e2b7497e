using System.CommandLine;
using Latchkey.Server.Data;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey migrate</c></summary>
static class MigrateCommand
{
    sealed record Done(string Database, IReadOnlyList<string> Applied);

    public static Command Make()
    {
        var command = new Command("migrate", "Bring a PostgreSQL database to the schema of this program, while older nodes go on. SQLite does so by itself.");
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult parsed)
    {
        var settings = CommandLine.SettingsOf(parsed);
        if (!settings.Database.IsPostgreSql) throw new UsageException("The database is SQLite, which \"latchkey serve\" brings up to date by itself. For PostgreSQL set Database:Provider and Database:ConnectionString.");
        using var database = new PostgreSqlDatabase(settings.Database.ConnectionString!);
        var applied = PostgreSqlInstallation.Migrate(database, settings, TimeProvider.System);
        Output.Done(parsed, new Done(database.Place, applied), Lines);
        return 0;
    }

    static IEnumerable<string> Lines(Done done)
    {
        foreach (var migration in done.Applied) yield return $"Applied {migration}.";
        yield return done.Applied.Count == 0 ? $"The database {done.Database} is up to date." : $"The database {done.Database} is ready: start the nodes with \"latchkey serve\".";
    }
}
