using System.Diagnostics;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Docs;

sealed record ShellResult(int Status, string Printed);

/// <summary>A directory as a reader has it before him: <c>./latchkey</c>, <c>docs/</c>, and data of its own.</summary>
sealed class Shell : IDisposable
{
    readonly string _home = TempDirectory.Make();

    public Shell()
    {
        Assert.True(File.Exists(Cli.Program), "The program is not built: run ./latchkey --version");
        Directory.CreateDirectory(Work);
        File.CreateSymbolicLink(Path.Combine(Work, "latchkey"), Cli.Program);
        Directory.CreateSymbolicLink(Path.Combine(Work, "docs"), Path.Combine(Cli.Root, "docs"));
        File.WriteAllText(Path.Combine(Work, "my-plugin.zip"), "hello\n");
    }

    public string Work => Path.Combine(_home, "work");
    public string Data => Path.Combine(_home, "data");

    public Task<ShellResult> Bash(string script) => Run("bash", "-euo", "pipefail", "-c", "exec 2>&1\n" + script);

    public async Task<ShellResult> Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Work,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(IsUnwanted).ToList()) start.Environment.Remove(name);
        start.Environment["LATCHKEY_DATA"] = Data;
        start.Environment["NO_COLOR"] = "1";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var printed = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(2));
        await process.WaitForExitAsync();
        return new ShellResult(process.ExitCode, printed + await error);
    }

    static bool IsUnwanted(string name) =>
        name.StartsWith("LATCHKEY_", StringComparison.Ordinal) || name.EndsWith("_proxy", StringComparison.OrdinalIgnoreCase);

    public void Dispose() => TempDirectory.Delete(_home);
}
