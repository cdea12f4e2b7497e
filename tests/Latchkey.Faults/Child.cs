using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Latchkey.Faults;

/// <summary>A process that this run started, and ends by its own id. What it says goes to a file.</summary>
sealed partial class Child : IAsyncDisposable
{
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    readonly Process _process;
    readonly string _name;

    /// <param name="directory">Where its log and the list of pids lie.</param>
    /// <param name="name">Of the log file; what it says is added to it.</param>
    /// <param name="environment">In addition to ours.</param>
    /// <param name="command">The program and its arguments.</param>
    public Child(string directory, string name, IReadOnlyDictionary<string, string> environment, params string[] command)
    {
        _name = name;
        Log = Path.Combine(directory, name + ".log");
        // The shell opens the log and becomes the program: same pid.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1", "sh", Log, .. command]) { WorkingDirectory = directory };
        foreach (var (key, value) in environment) start.Environment[key] = value;
        _process = Process.Start(start) ?? throw new FaultsException($"{name} did not start");
        File.AppendAllText(Path.Combine(directory, "pids"), _process.Id.ToString(CultureInfo.InvariantCulture) + "\n");
    }

    public string Log { get; }
    public int Pid => _process.Id;

    public void RequireAlive()
    {
        if (_process.HasExited) throw new FaultsException($"{_name} ended: {string.Join(' ', File.ReadLines(Log).TakeLast(3))}");
    }

    public void Signal(int signal)
    {
        if (!_process.HasExited) _ = Send(_process.Id, signal);
    }

    /// <summary>To it, and to the processes that it started itself.</summary>
    public void SignalAll(int signal)
    {
        var children = File.ReadAllText($"/proc/{Pid}/task/{Pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Signal(signal);
        foreach (var child in children) _ = Send(int.Parse(child, CultureInfo.InvariantCulture), signal);
    }

    /// <returns>Its status; of one that had to be killed, 128 and the signal.</returns>
    public async Task<int> End(int signal)
    {
        Signal(signal);
        using var late = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            Signal(Kill);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        await End(Terminate);
        _process.Dispose();
    }

    /// <summary>Runs to the end, and returns what it printed.</summary>
    public static async Task<string> Output(IReadOnlyDictionary<string, string> environment, params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        foreach (var (key, value) in environment) start.Environment[key] = value;
        try
        {
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            return process.ExitCode == 0 ? output : throw new FaultsException($"{Path.GetFileName(command[0])} {string.Join(' ', command.Skip(1).Take(3))} failed: {(await error + output).Trim()}");
        }
        catch (Win32Exception failure)
        {
            throw new FaultsException($"cannot run {command[0]}: {failure.Message}");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Send(int pid, int signal);
}
