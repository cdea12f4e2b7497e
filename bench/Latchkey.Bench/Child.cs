using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Latchkey.Bench;

/// <summary>A process that this run started, and stops by its own id. What it says goes to a file, not through us.</summary>
sealed partial class Child : IAsyncDisposable
{
    const int Terminate = 15;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    readonly Process _process;
    readonly string _log;
    bool _disposed;

    /// <param name="stage">Where the pids and logs of this run lie.</param>
    /// <param name="name">Of the log file.</param>
    /// <param name="environment">In addition to ours.</param>
    /// <param name="command">The program and its arguments.</param>
    public Child(Stage stage, string name, IReadOnlyDictionary<string, string> environment, params string[] command)
    {
        _log = stage.At(name + ".log");
        // The shell opens the log and becomes the program: same pid.
        var start = new ProcessStartInfo("/bin/sh", ["-c", "log=$1; shift; exec \"$@\" >\"$log\" 2>&1", "sh", _log, .. command]);
        foreach (var (key, value) in environment) start.Environment[key] = value;
        _process = Process.Start(start) ?? throw new BenchException($"{name} did not start");
        File.AppendAllText(stage.At("pids"), _process.Id.ToString(CultureInfo.InvariantCulture) + "\n");
    }

    public int Pid => _process.Id;

    public void RequireAlive()
    {
        if (_process.HasExited) throw new BenchException($"{Path.GetFileNameWithoutExtension(_log)} ended: {string.Join(' ', File.ReadLines(_log).TakeLast(3))}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed) return;
        _disposed = true;
        // It may just have ended by itself.
        if (!_process.HasExited) _ = Kill(_process.Id, Terminate);
        using var late = new CancellationTokenSource(Patience);
        try
        {
            await _process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    /// <summary>Runs to the end, and returns what it printed.</summary>
    public static async Task<string> Output(string program, IEnumerable<string> arguments, CancellationToken stop)
    {
        using var process = Start(program, arguments);
        try
        {
            var error = process.StandardError.ReadToEndAsync(stop);
            var output = await process.StandardOutput.ReadToEndAsync(stop);
            await process.WaitForExitAsync(stop);
            if (process.ExitCode != 0) throw new BenchException($"{Path.GetFileName(program)} failed: {(await error + output).Trim()}");
            return output;
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }
    }

    static Process Start(string program, IEnumerable<string> arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (Win32Exception failure)
        {
            throw new BenchException($"cannot run {program}: {failure.Message}");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
