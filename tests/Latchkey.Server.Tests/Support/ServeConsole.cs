using System.Diagnostics;

namespace Latchkey.Server.Tests.Support;

/// <summary><c>latchkey serve</c> as a person starts it: without <c>--json</c>, in a directory of their own.</summary>
sealed class ServeConsole : IAsyncDisposable
{
    readonly Process _process;
    readonly Task<string> _error;

    ServeConsole(Process process, List<string> lines)
    {
        (_process, Lines) = (process, lines);
        _error = process.StandardError.ReadToEndAsync();
        Url = lines[0].Split(' ')[^1];
        Http = new HttpClient { BaseAddress = new Uri(Url), Timeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>What it printed until it was ready.</summary>
    public IReadOnlyList<string> Lines { get; }

    public string Url { get; }
    public HttpClient Http { get; }

    public static async Task<ServeConsole> Run(string workingDirectory, (string Name, string Value)[] environment, params string[] arguments)
    {
        var process = Cli.Start(["serve", .. arguments], environment, workingDirectory);
        process.StandardInput.Close();
        var lines = new List<string>();
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            lines.Add(line);
            if (line.StartsWith("Stop with", StringComparison.Ordinal)) return new ServeConsole(process, lines);
        }

        throw new InvalidOperationException($"serve did not start: {await process.StandardError.ReadToEndAsync()}");
    }

    /// <summary>SIGINT, as Ctrl+C sends it.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> Interrupt()
    {
        using var kill = Process.Start("kill", ["-INT", _process.Id.ToString()]);
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    /// <returns>What it wrote to standard error in its life.</returns>
    public async Task<string> Stop()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        return await _error;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Stop();
        _process.Dispose();
    }
}
