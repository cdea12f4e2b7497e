using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Docs;

/// <summary>Runs what the documents show, as a reader would paste it.</summary>
public sealed class DocumentedCommandsTests
{
    const string DocumentedOrigin = "http://127.0.0.1:8080";
    const string DocumentedKey = "DEMO_KZJS5MBF6JI6CZRM";
    const string DocumentedData = "/var/lib/latchkey";
    const string DocumentedHome = "/home/ann";

    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/api.md")]
    [InlineData("docs/operations.md")]
    public async Task What_a_document_shows_runs_beside_a_demo_server_and_answers_as_shown(string file)
    {
        using var shell = new Shell();
        await using var server = await ServeProcess.Run(
            shell.Data, [("LATCHKEY_RateLimit__RequestsPerMinute", "0"), ("LATCHKEY_RateLimit__FailuresPerMinute", "0")], "--demo");
        var key = server.Started.GetProperty("demo").GetProperty("license_key").GetString()!;
        await RunAll(shell, file, text => text.Replace(DocumentedOrigin, server.Url).Replace(DocumentedKey, key));
    }

    [Fact]
    public async Task What_the_command_line_reference_shows_runs_on_new_data_and_prints_as_shown()
    {
        using var shell = new Shell();
        await RunAll(shell, "docs/cli.md", text => text);
    }

    [Fact]
    public async Task The_three_commands_that_the_demo_prints_work_when_pasted()
    {
        using var shell = new Shell();
        using var process = Cli.Start(["serve", "--demo", "--data", shell.Data, "--urls", "http://127.0.0.1:0"], []);
        try
        {
            process.StandardInput.Close();
            var commands = new List<string>();
            while (await process.StandardOutput.ReadLineAsync() is { } line && line != "Stop with Ctrl+C.")
            {
                if (line.StartsWith("  curl ", StringComparison.Ordinal)) commands.Add(line.Trim());
            }

            Assert.Equal(3, commands.Count);
            Assert.Contains("\"message\":\"License is valid and active\"", (await shell.Bash(commands[0])).Printed);
            Assert.Contains("\"message\":\"Download token generated successfully\"", (await shell.Bash(commands[1])).Printed);
            Assert.Equal(new ShellResult(0, ""), await shell.Bash(commands[2]));
            Assert.Equal(new ShellResult(0, "This file came out of Latchkey, once.\n"), await shell.Bash("unzip -p demo-plugin.zip"));
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task The_commands_that_the_README_begins_with_exist()
    {
        var first = CodeBlock.Of("README.md")[0].Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["./latchkey", "./test"], first.Select(line => line.Split(' ')[0]));
        using var shell = new Shell();
        Assert.Equal(0, (await shell.Bash($"cd '{Cli.Root}' && test -x latchkey && test -x test")).Status);
    }

    static async Task RunAll(Shell shell, string file, Func<string, string> here)
    {
        var ran = 0;
        foreach (var block in CodeBlock.Of(file))
        {
            switch (block.Language)
            {
                case "sh":
                    Succeeds(block, await shell.Bash(here(block.Text)));
                    break;
                case "console":
                    await PrintsAsShown(shell, block, here);
                    break;
                case "php" or "js" or "python":
                    Succeeds(block, await RunProgram(shell, block.Language, here(block.Text)));
                    break;
                case "csv":
                    await File.WriteAllTextAsync(Path.Combine(shell.Work, "licenses.csv"), block.Text);
                    continue;
                default:
                    continue;
            }

            ran++;
        }

        Assert.True(ran > 2, $"{file} shows next to nothing");
    }

    static async Task PrintsAsShown(Shell shell, CodeBlock block, Func<string, string> here)
    {
        foreach (var (command, printed) in block.Commands())
        {
            var result = await shell.Bash(here(command));
            var expected = Mask.Of(here(printed)).TrimEnd();
            var actual = Mask.Of(result.Printed.Replace(shell.Data, DocumentedData).Replace(shell.Work, DocumentedHome)).TrimEnd();
            Assert.True(expected == actual, $"{block}: {command}\nshould print\n{expected}\nand printed (status {result.Status})\n{actual}");
        }
    }

    static async Task<ShellResult> RunProgram(Shell shell, string language, string text)
    {
        var (program, name) = language switch { "php" => ("php", "block.php"), "js" => ("node", "block.mjs"), _ => ("python3", "block.py") };
        var path = Path.Combine(shell.Work, name);
        await File.WriteAllTextAsync(path, text);
        return await shell.Run(program, path);
    }

    static void Succeeds(CodeBlock block, ShellResult result) =>
        Assert.True(result.Status == 0, $"{block} ended with status {result.Status}:\n{result.Printed}");
}
