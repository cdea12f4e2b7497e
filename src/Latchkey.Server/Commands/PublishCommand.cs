using System.CommandLine;
using Latchkey.Server.Data;
using Latchkey.Server.Products;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey product publish</c></summary>
static class PublishCommand
{
    static readonly Option<long> Product = new("--product") { Description = "The product", HelpName = "ID", Required = true };
    static readonly Option<string> File = new("--file") { Description = "The file customers shall get; it is copied", HelpName = "PATH", Required = true };
    static readonly Option<string?> Version = new("--version") { Description = "Its version, for your own eyes", HelpName = "V" };
    static readonly Option<string?> FileName = new("--file-name") { Description = "What it is saved as (else as it is called here)", HelpName = "NAME" };

    public static Command Make()
    {
        var command = new Command("publish", "Make a file the product's download, from the next request on.") { Product, File, Version, FileName };
        command.SetAction(Run);
        return command;
    }

    static async Task<int> Run(ParseResult parsed, CancellationToken stop)
    {
        var path = Path.GetFullPath(parsed.GetValue(File)!);
        if (Directory.Exists(path)) throw new OperationException($"{path} is a directory: name a file, an archive of it for example.");
        if (!System.IO.File.Exists(path)) throw new OperationException($"There is no file {path}.");
        var name = parsed.GetValue(FileName) ?? Path.GetFileName(path);
        if (FileNames.Fault(name) is { } fault) throw new OperationException($"The file name {fault}: choose another with --file-name.");
        using var work = CommandLine.Work(parsed);
        await using var stream = System.IO.File.OpenRead(path);
        var progress = Output.IsWatched(parsed) ? new Progress("copied", stream.Length) : null;
        var upload = new Upload(parsed.GetValue(Product), stream, name, parsed.GetValue(Version), stream.Length);
        var product = await new PublishFile(work).Run(upload, progress is null ? null : progress.Show, stop);
        if (progress is not null) Progress.End();
        return ProductCommands.Print(parsed, product);
    }
}

/// <summary>A line on standard error that is written over as the work goes on.</summary>
sealed class Progress(string what, long total)
{
    long _shown = -1;

    public void Show(long done)
    {
        var percent = total == 0 ? 100 : done * 100 / total;
        if (percent == _shown) return;
        _shown = percent;
        Console.Error.Write($"\r{what} {percent} %, {done:N0} of {total:N0} ");
    }

    public static void End() => Console.Error.WriteLine();
}
