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

    static int Run(ParseResult parsed)
    {
        var path = Path.GetFullPath(parsed.GetValue(File)!);
        if (Directory.Exists(path)) throw new OperationException($"{path} is a directory: name a file, an archive of it for example.");
        if (!System.IO.File.Exists(path)) throw new OperationException($"There is no file {path}.");
        var data = CommandLine.OpenData(parsed, create: false);
        using var connection = data.Database.OpenExisting();
        using var db = SqliteDatabase.OpenContext(connection);
        using var stream = System.IO.File.OpenRead(path);
        var progress = Output.IsWatched(parsed) ? new Progress("copied", stream.Length) : null;
        var product = new ProductOperations(db, TimeProvider.System).Publish(
            data.Blobs, parsed.GetValue(Product), stream, parsed.GetValue(FileName) ?? Path.GetFileName(path), parsed.GetValue(Version), progress is null ? null : progress.Show);
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
