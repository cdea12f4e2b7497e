using System.CommandLine;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Products;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey product publish</c></summary>
static class PublishCommand
{
    static readonly Option<long> Product = new("--product") { Description = "The product", HelpName = "ID", Required = true };
    static readonly Option<string> File = new("--file") { Description = "The file customers shall get; it is copied", HelpName = "PATH", Required = true };
    static readonly Option<string?> Version = new("--version") { Description = "Its version, as 1.2.0 (usual: the highest one's patch number plus one)", HelpName = "V" };
    static readonly Option<string?> Channel = new("--channel") { Description = "Usual: stable, or what a pre-release says", HelpName = "NAME" };
    static readonly Option<string?> FileName = new("--file-name") { Description = "What it is saved as (else as it is called here)", HelpName = "NAME" };

    public static Command Make()
    {
        var command = new Command("publish", "Publish a release of one file, in one step: the product's download from the next request on.") { Product, File, Version, Channel, FileName };
        command.SetAction(Run);
        return command;
    }

    static Task<int> Run(ParseResult parsed, CancellationToken stop) => FileUpload.Run(
        parsed, parsed.GetValue(File)!, parsed.GetValue(FileName),
        (work, upload, progress) => new StoreArtifact(work).Publish(
            parsed.GetValue(Product), new ReleaseFields(parsed.GetValue(Version), parsed.GetValue(Channel)), upload, progress, stop));
}

/// <summary>A file that a command copies into the store.</summary>
static class FileUpload
{
    public static async Task<int> Run(ParseResult parsed, string file, string? fileName, Func<UnitOfWork, Upload, Action<long>?, Task<ReleaseView>> store)
    {
        var path = Path.GetFullPath(file);
        if (Directory.Exists(path)) throw new OperationException($"{path} is a directory: name a file, an archive of it for example.");
        if (!System.IO.File.Exists(path)) throw new OperationException($"There is no file {path}.");
        var name = fileName ?? Path.GetFileName(path);
        if (FileNames.Fault(name) is { } fault) throw new OperationException($"The file name {fault}: choose another with --file-name.");
        using var work = CommandLine.Work(parsed);
        await using var stream = System.IO.File.OpenRead(path);
        var progress = Output.IsWatched(parsed) ? new Progress("copied", stream.Length) : null;
        var release = await store(work, new Upload(stream, name, stream.Length), progress is null ? null : progress.Show);
        if (progress is not null) Progress.End();
        return ReleaseCommands.Print(parsed, release);
    }
}

/// <summary>A line on standard error that is written over as the work goes on.</summary>
sealed class Progress(string what, long total)
{
    long _shown = -1;

    public void Show(long done) => Show(done, total);

    /// <summary>Of a total that may grow.</summary>
    public void Show(long done, long total)
    {
        var percent = total == 0 ? 100 : done * 100 / total;
        if (percent == _shown) return;
        _shown = percent;
        Console.Error.Write($"\r{what} {percent} %, {done:N0} of {total:N0} ");
    }

    public static void End() => Console.Error.WriteLine();
}
