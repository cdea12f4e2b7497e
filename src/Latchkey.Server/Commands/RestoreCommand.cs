using System.CommandLine;
using System.Globalization;
using Latchkey.Server.Backups;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey restore</c></summary>
static class RestoreCommand
{
    static readonly Option<string?> Old = new("--old") { Description = "The data directory of before, if there is still one: what it has and the copy has not is listed", HelpName = "DIR" };

    sealed record Report(
        string Place, string MadeAt, string Data, string Database, IReadOnlyDictionary<string, long> Rows, int Files, IReadOnlyList<MissingFile> Absent, long DeadLinks,
        IReadOnlyList<string> UnknownFiles, string? NewerBackup, NewerThanCopy? Newer);

    public static Command Make()
    {
        var command = new Command("restore", "Put a backup back, into an empty data directory (and an empty PostgreSQL database, where the settings name one).") { BackupCommands.From, BackupCommands.At, Old };
        command.SetAction(Run);
        return command;
    }

    static async Task<int> Run(ParseResult parsed, CancellationToken stop)
    {
        var settings = CommandLine.SettingsOf(parsed);
        RestoreBackup.RequireEmpty(settings);
        using var place = BackupCommands.Place(parsed.GetValue(BackupCommands.From), settings, "--from");
        var backup = await OpenBackup.Find(place, parsed.GetValue(BackupCommands.At), () => Passphrase.Ask(settings, isNew: false), stop);
        using var watch = new WatchedSteps(parsed);
        var restored = await new RestoreBackup(backup, settings, TimeProvider.System) { Progress = watch.Progress }.Run(stop);
        watch.End();
        var newest = (await BackupList.Names(place, stop))[0];
        var newer = parsed.GetValue(Old) is { } old ? NewerThanCopy.Of(Path.GetFullPath(old), backup.Manifest) : null;
        var manifest = backup.Manifest;
        var data = CommandLine.OpenData(parsed, create: false);
        using var database = data.Database;
        return Output.Done(
            parsed,
            new Report(
                place.Place, manifest.MadeAt, data.Path, database.Place, manifest.Rows, restored.Files, restored.Absent, restored.DeadLinks, restored.Unknown,
                newest == backup.Name ? null : newest, newer),
            report => Lines(report, manifest.HasFiles));
    }

    static IEnumerable<string> Lines(Report report, bool hasFiles)
    {
        yield return $"Restored the backup of {report.MadeAt} to {report.Data}: {BackupCommands.Count(report.Rows, "licenses", "license")}, {BackupCommands.Count(report.Rows, "products", "product")}, {BackupCommands.Plural(report.Files, "file")}.";
        if (report.Database != Data.DataDirectory.DatabaseFile(report.Data)) yield return $"Its rows are in {report.Database}.";
        yield return $"Download links of the copy are void ({report.DeadLinks:N0} could still have been used): customers mint new ones. Operators sign in again.";
        foreach (var file in report.Absent) yield return $"Neither in the backup nor in the store: {file.FileName} ({file.BlobId}) {file.Fault}.{(hasFiles ? "" : " Published files were only referred to.")}";
        yield return "";
        yield return $"What happened after {report.MadeAt} is not in it: see to it again.";
        yield return "  Licenses suspended or revoked since then are active, keys rotated since then are the old ones, API keys revoked since then work.";
        yield return "  Licenses issued since then, and their keys, are not known; releases published since then are gone.";
        if (report.NewerBackup is { } newest) yield return $"  There is a newer backup in {report.Place}: {newest}.";
        if (report.UnknownFiles.Count > 0) yield return $"  {BackupCommands.Plural(report.UnknownFiles.Count, "file")} in the store {(report.UnknownFiles.Count == 1 ? "was" : "were")} published since then, and {(report.UnknownFiles.Count == 1 ? "is" : "are")} removed a day after they came: copy what you need before you start the server. {string.Join(", ", report.UnknownFiles.Take(10))}";
        foreach (var line in Lines(report.Newer)) yield return line;
        yield return "";
        yield return "Run \"latchkey doctor\", then start the server.";
    }

    static IEnumerable<string> Lines(NewerThanCopy? newer)
    {
        if (newer is null) yield break;
        if (newer.Fault is { } fault)
        {
            yield return $"  {newer.Place} cannot be compared: {fault}";
            yield break;
        }

        if (newer.Count == 0 && newer.Rows.Count == 0) yield return $"  {newer.Place} has nothing that the copy has not.";
        else yield return $"  In {newer.Place}, and not in the copy ({newer.Actions.Count} of {newer.Count.ToString("N0", CultureInfo.InvariantCulture)} actions are listed):";
        foreach (var action in newer.Actions) yield return $"    {action.At}  {action.Action} {action.ObjectId}  by {action.Actor}";
        foreach (var (table, rows) in newer.Rows) yield return $"    {table}: {rows.Before:N0} there, {rows.Copy:N0} in the copy";
    }
}
