using System.CommandLine;
using System.Globalization;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey release …</c></summary>
static class ReleaseCommands
{
    static readonly Argument<long> Id = new("ID") { Description = "The release" };
    static readonly Option<string?> Version = new("--version") { Description = "As 1.2.0 or 2.0.0-beta.1 (Semantic Versioning 2.0)", HelpName = "V" };
    static readonly Option<string?> Channel = new("--channel") { Description = "stable, beta, alpha, dev, or one of your own (usual: stable, or what a pre-release says)", HelpName = "NAME" };
    static readonly Option<string?> Notes = new("--notes") { Description = "What is new, in Markdown", HelpName = "TEXT" };
    static readonly Option<string?> NotesFile = new("--notes-file") { Description = "The same, from a file", HelpName = "PATH" };
    static readonly Option<int?> Rollout = new("--rollout") { Description = "To how many of a hundred licenses it is offered (usual: 100)", HelpName = "PERCENT" };
    static readonly Option<string?> MinimumVersion = new("--minimum-version") { Description = "Who has less is offered an older release first", HelpName = "V" };
    static readonly Option<string?> FileName = new("--file-name") { Description = "What it is saved as (else as it is called here)", HelpName = "NAME" };
    static readonly Option<string?> Platform = new("--platform") { Description = "Made for, as windows (usual: for all)", HelpName = "NAME" };
    static readonly Option<string?> Arch = new("--arch") { Description = "Made for, as arm64 (usual: for all)", HelpName = "NAME" };

    public static Command Make() => new("release", "Versions of a product, and their files.")
    {
        Add(), AddFile(), List(), Edit(), Publish(),
        One("show", "Show a release and its files.", (releases, id) => Task.FromResult(releases.Show(id))),
        One("yank", "Take it back: nobody can have it any more, by links that are out neither.", (releases, id) => Task.FromResult(releases.Yank(id))),
        One("unyank", "As if it had never been yanked.", (releases, id) => Task.FromResult(releases.Unyank(id))),
        Delete(), RemoveFile(),
    };

    static Command One(string verb, string what, Func<ReleaseOperations, long, Task<ReleaseView>> action)
    {
        var command = new Command(verb, what) { Id };
        command.SetAction((parsed, _) => Run(parsed, releases => action(releases, parsed.GetValue(Id))));
        return command;
    }

    static Command Add()
    {
        var product = new Option<long>("--product") { Description = "Of which product", HelpName = "ID", Required = true };
        var version = new Option<string>("--version") { Description = Version.Description, HelpName = "V", Required = true };
        var file = new Option<string?>("--file") { Description = "Its first file; it is copied", HelpName = "PATH" };
        var command = new Command("add", "Add a release: a draft, which takes files until it is published.")
            { product, version, Channel, Notes, NotesFile, Rollout, MinimumVersion, file, FileName, Platform, Arch };
        command.SetAction(async (parsed, stop) =>
        {
            var fields = Fields(parsed) with { Version = parsed.GetValue(version) };
            Option<string?>[] ofFile = [FileName, Platform, Arch];
            if (parsed.GetValue(file) is null && Array.Find(ofFile, option => parsed.GetValue(option) is not null) is { } alone)
            {
                throw new UsageException($"{alone.Name} says something of a file: name it with --file, or give both to \"latchkey release add-file\" later.");
            }

            if (parsed.GetValue(file) is not { } path) return await Run(parsed, releases => Task.FromResult(releases.Add(parsed.GetValue(product), fields)));
            return await FileUpload.Run(parsed, path, parsed.GetValue(FileName), async (work, upload, progress) =>
            {
                var releases = new ReleaseOperations(work);
                var release = releases.Add(parsed.GetValue(product), fields);
                try
                {
                    return await new StoreArtifact(work).Attach(release.Id, upload with { Platform = parsed.GetValue(Platform), Arch = parsed.GetValue(Arch) }, progress, stop);
                }
                catch
                {
                    // All of it, or nothing.
                    await releases.Delete(release.Id);
                    throw;
                }
            });
        });
        return command;
    }

    static Command AddFile()
    {
        var file = new Option<string>("--file") { Description = "The file; it is copied", HelpName = "PATH", Required = true };
        var kind = new Option<string?>("--kind") { Description = "file (usual), or what lies beside one: signature, sbom", HelpName = "KIND" };
        var beside = new Option<long?>("--beside") { Description = "Of a signature or sbom: the file that it belongs to, where the release has several", HelpName = "FILE-ID" };
        var command = new Command("add-file", "Add a file to a release, for one more platform; or a signature or sbom beside one.") { Id, file, FileName, Platform, Arch, kind, beside };
        command.SetAction((parsed, stop) => FileUpload.Run(parsed, parsed.GetValue(file)!, parsed.GetValue(FileName), (work, upload, progress) =>
            new StoreArtifact(work).Attach(
                parsed.GetValue(Id), upload with { Platform = parsed.GetValue(Platform), Arch = parsed.GetValue(Arch), Kind = parsed.GetValue(kind), BesideId = parsed.GetValue(beside) },
                progress, stop)));
        return command;
    }

    static Command Delete()
    {
        var command = new Command("delete", "Delete a draft, or a scheduled release, and its files.") { Id };
        command.SetAction(async (parsed, _) =>
        {
            using var work = CommandLine.Work(parsed);
            return Output.Done(parsed, await new ReleaseOperations(work).Delete(parsed.GetValue(Id)), gone => [$"Deleted {(gone.State == "draft" ? "draft" : "scheduled release")} {gone.Version}."]);
        });
        return command;
    }

    static Command RemoveFile()
    {
        var file = new Argument<long>("FILE-ID") { Description = "The file, as \"latchkey release show\" numbers it" };
        var command = new Command("remove-file", "Remove a file, and what lies beside it, from a draft.") { file };
        command.SetAction((parsed, _) => Run(parsed, releases => releases.RemoveArtifact(parsed.GetValue(file))));
        return command;
    }

    static Command List()
    {
        var product = new Option<long?>("--product") { Description = "Of this product only", HelpName = "ID" };
        var state = new Option<string?>("--state") { Description = "In this state only: draft, scheduled, published, yanked", HelpName = "STATE" };
        var command = new Command("list", "List releases, the newest version first.") { product, Channel, state };
        command.SetAction(parsed =>
        {
            using var work = CommandLine.Work(parsed);
            if (parsed.GetValue(product) is { } id) new ProductOperations(work).Find(id);
            return Output.DoneList(
                parsed, All(new ReleaseOperations(work), new ReleaseFilter(parsed.GetValue(product), parsed.GetValue(Channel), parsed.GetValue(state))), Cells,
                ["ID", "PRODUCT", "VERSION", "CHANNEL", "STATE", "PUBLISHED", "FILES"],
                "No such release. A new one: latchkey release add --product ID --version 1.0.0 --file PATH");
        });
        return command;
    }

    static IEnumerable<ReleaseView> All(ReleaseOperations releases, ReleaseFilter filter)
    {
        for (var page = new PageRequest(null, PageRequest.MaxLimit); ;)
        {
            var part = releases.List(filter, page);
            foreach (var release in part.Items) yield return release;
            if (part.NextCursor is null) yield break;
            page = page with { Cursor = part.NextCursor };
        }
    }

    static string[] Cells(ReleaseView r) =>
    [
        r.Id.ToString(CultureInfo.InvariantCulture), r.ProductId.ToString(CultureInfo.InvariantCulture), r.Version, r.Channel,
        r.RolloutPercent < 100 ? $"{r.State}, {r.RolloutPercent} %" : r.State, r.PublishedAt ?? "-",
        r.Artifacts.Count(a => a.Kind == "file").ToString(CultureInfo.InvariantCulture),
    ];

    static Command Edit()
    {
        var command = new Command("edit", "Change a release; what is not named stays. The version can change until it is published.") { Id, Version, Channel, Notes, NotesFile, Rollout, MinimumVersion };
        command.SetAction((parsed, _) =>
        {
            var fields = Fields(parsed);
            if (fields == new ReleaseFields()) throw new UsageException("Name what to change; \"latchkey release edit --help\" shows what can be.");
            return Run(parsed, releases => Task.FromResult(releases.Edit(parsed.GetValue(Id), fields)));
        });
        return command;
    }

    static Command Publish()
    {
        var at = new Option<string?>("--at") { Description = "When, if not now: a time to come, or a date (its beginning, UTC)", HelpName = "DATE|TIME" };
        var command = new Command("publish", "Publish a release.") { Id, at };
        command.SetAction((parsed, _) =>
        {
            var time = parsed.GetValue(at) is not { } text ? (DateTimeOffset?)null
                : Moment.Parse(text, endOfDay: false) ?? throw new UsageException($"--at \"{text}\" is not {Moment.Rule}.");
            return Run(parsed, releases => Task.FromResult(releases.Publish(parsed.GetValue(Id), time)));
        });
        return command;
    }

    static ReleaseFields Fields(ParseResult parsed) => new(
        parsed.GetValue(Version), parsed.GetValue(Channel), NotesOf(parsed), parsed.GetValue(Rollout), parsed.GetValue(MinimumVersion));

    static string? NotesOf(ParseResult parsed)
    {
        if (parsed.GetValue(NotesFile) is not { } path) return parsed.GetValue(Notes);
        if (parsed.GetValue(Notes) is not null) throw new UsageException("--notes and --notes-file exclude each other.");
        return File.Exists(path) ? File.ReadAllText(path) : throw new OperationException($"There is no file {Path.GetFullPath(path)}.");
    }

    static async Task<int> Run(ParseResult parsed, Func<ReleaseOperations, Task<ReleaseView>> action)
    {
        using var work = CommandLine.Work(parsed);
        return Print(parsed, await action(new ReleaseOperations(work)));
    }

    public static int Print(ParseResult parsed, ReleaseView release) => Output.Done(parsed, release, r => Output.Facts(
    [
        ("release", $"{r.Id}  {r.ProductName} {r.Version}"),
        ("channel", r.Channel),
        ("state", r.State switch
        {
            "draft" => $"draft: latchkey release publish {r.Id}",
            "scheduled" => $"scheduled for {r.PublishedAt}",
            "yanked" => $"yanked {r.YankedAt}",
            _ => $"published {r.PublishedAt}",
        }),
        ("rollout", r.RolloutPercent < 100 ? $"{r.RolloutPercent} % of the licenses" : null),
        ("minimum", r.MinimumVersion is { } least ? $"over {least} or newer" : null),
        .. r.Artifacts.Select(a => (a.Kind, (string?)FileLine(a))),
        .. r.Artifacts.Count == 0 ? [("file", (string?)$"none yet: latchkey release add-file {r.Id} --file PATH")] : Array.Empty<(string, string?)>(),
    ]));

    static string FileLine(ArtifactView a)
    {
        var made = string.Join('/', new[] { a.Platform, a.Arch }.OfType<string>());
        return string.Create(CultureInfo.InvariantCulture, $"{a.Id}  {a.FileName}, {a.FileSize:N0} bytes{(made.Length > 0 ? $", for {made}" : "")}, sha-256 {a.Sha256}");
    }
}
