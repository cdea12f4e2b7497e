using System.Diagnostics;
using System.Text.Json;

namespace Latchkey.Server.Tests.Support;

sealed record CliResult(int Status, string Output, string Error)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;
}

/// <summary>The command line as its users have it: the published program, as a process of its own, or what does the same in less time.</summary>
static class Cli
{
    const string Prefix = "LATCHKEY_";

    public static readonly string Root = FindRoot();
    public static readonly string Program = Path.Combine(Root, "artifacts", "latchkey", "latchkey");

    /// <summary>Does a command: arguments, environment, working directory, input.</summary>
    public static Func<string[], Dictionary<string, string>, string, string, Task<CliResult>> Do { get; set; } = Spawn;

    public static bool IsSetting(string variable) => variable.StartsWith(Prefix, StringComparison.Ordinal);

    public static Task<CliResult> Run(params string[] arguments) => Run(arguments, []);

    public static Task<CliResult> Run(string[] arguments, (string Name, string Value)[] environment, string? workingDirectory = null, string input = "") =>
        Do(arguments, Variables(arguments, environment), workingDirectory ?? Path.GetTempPath(), input);

    /// <summary>In a process of its own.</summary>
    public static async Task<CliResult> Spawn(string[] arguments, Dictionary<string, string> environment, string workingDirectory, string input)
    {
        using var process = Start(arguments, environment, workingDirectory);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw;
        }

        return new CliResult(process.ExitCode, await output, await error);
    }

    public static Process Start(string[] arguments, (string Name, string Value)[] environment, string? workingDirectory = null) =>
        Start(arguments, Variables(arguments, environment), workingDirectory ?? Path.GetTempPath());

    static Process Start(string[] arguments, Dictionary<string, string> environment, string workingDirectory)
    {
        var start = new ProcessStartInfo(Program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory,
        };
        foreach (var name in start.Environment.Keys.Where(IsSetting).ToList()) start.Environment.Remove(name);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    static Dictionary<string, string> Variables(string[] arguments, (string Name, string Value)[] given)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in OfDatabase(arguments).Concat(given)) all[name] = value;
        return all;
    }

    /// <summary>That of the data directory, on PostgreSQL.</summary>
    static IEnumerable<(string Name, string Value)> OfDatabase(string[] arguments)
    {
        var at = Array.IndexOf(arguments, "--data");
        return at >= 0 && at + 1 < arguments.Length ? TestDatabase.ForProcess(arguments[at + 1]) : [];
    }

    static string FindRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Latchkey.slnx"))) directory = Path.GetDirectoryName(directory)!;
        return directory;
    }
}

/// <summary><c>latchkey serve</c> as a process of its own, which a test can kill.</summary>
sealed class ServeProcess : IAsyncDisposable
{
    readonly Process _process;
    readonly System.Text.StringBuilder _error = new();
    readonly Task _reading;

    ServeProcess(Process process, JsonElement started)
    {
        (_process, Started) = (process, started);
        Url = started.GetProperty("urls")[0].GetString()!;
        Http = new HttpClient { BaseAddress = new Uri(Url), Timeout = TimeSpan.FromSeconds(60) };
        _reading = Read();
    }

    public JsonElement Started { get; }
    public string Url { get; }
    public HttpClient Http { get; }
    public int Id => _process.Id;
    public string Log { get { lock (_error) return _error.ToString(); } }

    /// <param name="data">The data directory.</param>
    /// <param name="arguments">More for <c>serve</c>.</param>
    public static Task<ServeProcess> Run(string data, params string[] arguments) => Run(data, [], arguments);

    public static async Task<ServeProcess> Run(string data, (string Name, string Value)[] environment, params string[] arguments)
    {
        var process = Cli.Start(["serve", "--data", data, "--urls", "http://127.0.0.1:0", "--json", .. arguments], environment);
        process.StandardInput.Close();
        var text = "";
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            text += line + "\n";
            if (line == "}") return new ServeProcess(process, JsonDocument.Parse(text).RootElement);
        }

        throw new InvalidOperationException($"serve did not start: {await process.StandardError.ReadToEndAsync()}");
    }

    async Task Read()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            lock (_error) _error.AppendLine(line);
        }
    }

    /// <summary>SIGKILL: nothing gets a chance to be tidied.</summary>
    public async Task Kill()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, and what a supervisor does: wait.</summary>
    public async Task<int> Terminate()
    {
        using (Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])) await _process.WaitForExitAsync();
        await _reading;
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited) await Kill();
        await _reading;
        _process.Dispose();
    }
}
