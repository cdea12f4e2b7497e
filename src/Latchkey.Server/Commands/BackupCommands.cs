using System.CommandLine;
using System.Globalization;
using Latchkey.Server.Backups;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey backup …</c></summary>
static class BackupCommands
{
    static readonly Option<string?> To = new("--to") { Description = "Where to: a directory, a file that ends in .tar, or s3://BUCKET/PREFIX (usual: the setting Backup:To)", HelpName = "PLACE" };
    static readonly Option<string?> Files = new("--files") { Description = "Published files: include or reference (usual: the setting Backup:Files, else include)", HelpName = "HOW" };
    static readonly Option<int?> Keep = new("--keep") { Description = "Remove all but the newest N backups afterwards (usual: all stay)", HelpName = "N" };

    public static readonly Option<string?> From = new("--from") { Description = "Where from: a directory, a file that ends in .tar, or s3://BUCKET/PREFIX (usual: the setting Backup:To)", HelpName = "PLACE" };
    public static readonly Option<string?> At = new("--at") { Description = "The newest whose time begins so, as 2026-11-27T03 (usual: the newest)", HelpName = "TIME" };

    sealed record MadeReport(string Place, string MadeAt, string Name, long Bytes, long CopiedBytes, int Files, int CopiedFiles, int Removed, IReadOnlyList<MissingFile> Missing, IReadOnlyDictionary<string, long> Rows, string? Note);

    sealed record ListedReport(string Name, string? MadeAt, string? Version, string? MadeFrom, long? Bytes, int? Files, long? Licenses, string? Fault);

    sealed record VerifiedReport(string Place, string MadeAt, string Version, string MadeFrom, long Bytes, int Files, bool HasFiles, IReadOnlyList<MissingFile> Missing, IReadOnlyDictionary<string, long> Rows);

    sealed record RestoredReport(long DeadLinks);

    public static Command Make()
    {
        var command = new Command("backup", "Back up database, published files and secrets, while the server runs.") { To, Files, Keep, Verify(), List(), Restored() };
        command.SetAction(Run);
        return command;
    }

    /// <exception cref="UsageException">It is none.</exception>
    public static IBackupPlace Place(string? given, Settings settings, string option)
    {
        var place = given ?? settings.Backup.To ?? throw new UsageException($"Which place? Name it with {option}, or set Backup:To.");
        return BackupPlaces.Fault(place) is { } fault ? throw new UsageException($"{option} \"{place}\" {fault}: name a directory, a file that ends in .tar, or s3://BUCKET/PREFIX.") : BackupPlaces.Of(place, settings);
    }

    static async Task<int> Run(ParseResult parsed, CancellationToken stop)
    {
        var settings = CommandLine.SettingsOf(parsed);
        var hasFiles = parsed.GetValue(Files)?.ToUpperInvariant() switch
        {
            null => settings.Backup.HasFiles,
            "INCLUDE" => true,
            "REFERENCE" => false,
            _ => throw new UsageException($"--files \"{parsed.GetValue(Files)}\" is not include or reference."),
        };
        var keep = parsed.GetValue(Keep);
        if (keep < 1) throw new UsageException("--keep must be at least 1: the backup that is made now stays.");
        using var place = Place(parsed.GetValue(To), settings, "--to");
        if (keep is not null && place is BackupArchive) throw new UsageException("--keep goes with a directory or a bucket: a file holds one backup.");
        RequireOutside(place, settings);
        var data = CommandLine.OpenData(parsed, create: false);
        using var database = data.Database;
        var passphrase = Passphrase.Ask(settings, isNew: true);
        using var writes = database.MakeWriteQueue();
        using var watch = new WatchedSteps(parsed);
        var run = new BackupRun(writes, new Leases(writes), TimeProvider.System);
        var making = new ScheduledBackup(data, settings, hasFiles, keep, TimeProvider.System) { Progress = watch.Progress };
        // By hand, or by a timer of the machine's: it counts for the schedule where it goes to the same place.
        TimeSpan? every = settings.Backup.To is { } scheduled && BackupPlaces.Of(scheduled, settings).Place == place.Place ? settings.Backup.Every : null;
        var finished = await run.Try(place.Place, every, end => making.Make(place, passphrase, end), stop) ?? throw new OperationException("Another backup of this installation is being made: wait for its end. If it was killed, this goes on in two minutes.");
        watch.End();
        var (made, manifest) = (finished.Made, finished.Made.Manifest);
        Output.Done(
            parsed, new MadeReport(place.Place, manifest.MadeAt, made.Name, manifest.Bytes, made.CopiedBytes, manifest.Files.Count, made.CopiedFiles, finished.Removed, manifest.Missing, manifest.Rows, finished.Lacks), Lines);
        return manifest.Missing.Count == 0 ? 0 : 1;
    }

    static void RequireOutside(IBackupPlace place, Settings settings)
    {
        if (place is not BackupBucket && (place.Place + "/").StartsWith(Path.GetFullPath(settings.Data) + "/", StringComparison.Ordinal)) throw new UsageException($"{place.Place} is in the data directory: a backup belongs elsewhere, best on another machine.");
    }

    static IEnumerable<string> Lines(MadeReport made)
    {
        yield return $"Backed up to {made.Place}: {Count(made.Rows, "licenses", "license")}, {Count(made.Rows, "products", "product")}, {Plural(made.Files, "file")}; {made.Bytes:N0} bytes, of which {made.CopiedBytes:N0} were not there yet.";
        if (made.Removed > 0) yield return $"{Plural(made.Removed, "older backup")} went.";
        if (made.Note is not null) yield return made.Note;
        foreach (var file in made.Missing) yield return $"Not in it: {file.FileName} ({file.BlobId}) {file.Fault}.";
    }

    public static string Count(IReadOnlyDictionary<string, long> rows, string table, string one) => Plural(rows.GetValueOrDefault(table), one);

    public static string Plural(long count, string one) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {one}{(count == 1 ? "" : "s")}");

    static Command List()
    {
        var command = new Command("list", "List the backups of a place, the newest first, as their manifests say.") { From };
        command.SetAction(async (parsed, stop) =>
        {
            using var place = Place(parsed.GetValue(From), CommandLine.SettingsOf(parsed), "--from");
            var all = (await BackupList.Of(place, stop)).Select(Listed).ToList();
            return Output.DoneList(parsed, all, Cells, ["MADE AT", "VERSION", "FROM", "LICENSES", "FILES", "BYTES"], $"There is no backup in {place.Place}.");
        });
        return command;
    }

    static ListedReport Listed(ListedBackup one) => one.Manifest is { } manifest
        ? new ListedReport(one.Name, manifest.MadeAt, manifest.Version, manifest.MadeFrom, manifest.Bytes, manifest.Files.Count, manifest.Rows.GetValueOrDefault("licenses"), null)
        : new ListedReport(one.Name, null, null, null, null, null, null, one.Fault);

    static string[] Cells(ListedReport one) => one.Fault is not null
        ? [one.Name, one.Fault, "", "", "", ""]
        : [one.MadeAt!, one.Version!, one.MadeFrom!, $"{one.Licenses:N0}", $"{one.Files:N0}", $"{one.Bytes:N0}"];

    static Command Verify()
    {
        var command = new Command("verify", "Read a whole backup, and hold it against its manifest.") { From, At };
        command.SetAction(async (parsed, stop) =>
        {
            var settings = CommandLine.SettingsOf(parsed);
            using var place = Place(parsed.GetValue(From), settings, "--from");
            var backup = await OpenBackup.Find(place, parsed.GetValue(At), () => Passphrase.Ask(settings, isNew: false), stop);
            using var watch = new WatchedSteps(parsed);
            using var staging = new StagingDirectory(Path.GetTempPath());
            await backup.WriteDatabase(Path.Combine(staging.Path, "latchkey.db"), (done, all) => watch.Progress?.Invoke("database", done, all), stop);
            await backup.WriteSecrets(staging.Path, stop);
            await backup.CheckFiles((done, all) => watch.Progress?.Invoke("files", done, all), stop);
            watch.End();
            var manifest = backup.Manifest;
            return Output.Done(parsed, new VerifiedReport(place.Place, manifest.MadeAt, manifest.Version, manifest.MadeFrom, manifest.Bytes, manifest.Files.Count, manifest.HasFiles, manifest.Missing, manifest.Rows), Lines);
        });
        return command;
    }

    static IEnumerable<string> Lines(VerifiedReport verified)
    {
        yield return $"The backup of {verified.MadeAt} in {verified.Place} is whole: {Count(verified.Rows, "licenses", "license")}, {Count(verified.Rows, "products", "product")}, {Plural(verified.Files, "file")}, {verified.Bytes:N0} bytes.";
        if (!verified.HasFiles) yield return "Published files are not in it, only referred to.";
        foreach (var file in verified.Missing) yield return $"Not in it: {file.FileName} ({file.BlobId}), which {file.Fault} when it was made.";
    }

    static Command Restored()
    {
        var command = new Command("restored", "Say that the database was put back by other means: links, sign-ins and invitations of before are over.");
        command.SetAction(parsed =>
        {
            var data = CommandLine.OpenData(parsed, create: false);
            using var database = data.Database;
            return Output.Done(parsed, new RestoredReport(AfterRestore.Void(database, TimeProvider.System.GetUtcNow())), report =>
                [$"{Plural(report.DeadLinks, "download link")} of before {(report.DeadLinks == 1 ? "is" : "are")} void, sign-ins and invitations are over."]);
        });
        return command;
    }
}
