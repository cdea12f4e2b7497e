using System.CommandLine;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey license import</c></summary>
static class ImportCommand
{
    static readonly Option<string> File = new("--file") { Description = "CSV with a header line: product_id,license_key,domain,user_id[,expires_at][,created_at][,updates_until][,channel]", HelpName = "PATH", Required = true };

    public static Command Make()
    {
        var command = new Command("import", "Take over licenses that exist elsewhere: all of them or none.") { File };
        command.SetAction(Run);
        return command;
    }

    static int Run(ParseResult parsed)
    {
        var path = Path.GetFullPath(parsed.GetValue(File)!);
        if (Directory.Exists(path)) throw new OperationException($"{path} is a directory: name a CSV file.");
        if (!System.IO.File.Exists(path)) throw new OperationException($"There is no file {path}.");
        using var work = CommandLine.Work(parsed);
        using var text = new StreamReader(path);
        var total = Output.IsWatched(parsed) ? System.IO.File.ReadLines(path).Count() - 1 : 0;
        var (what, progress) = ("", (Progress?)null);
        var imported = new ImportLicenses(work).Run(text, total == 0 ? null : (step, lines) =>
        {
            if (step != what)
            {
                if (progress is not null) Progress.End();
                (what, progress) = (step, new Progress(step, total));
            }

            progress!.Show(lines);
        });
        if (progress is not null) Progress.End();
        return Output.Done(parsed, new { Imported = imported }, done => [$"Imported {done.Imported:N0} license{(done.Imported == 1 ? "" : "s")}."]);
    }
}
