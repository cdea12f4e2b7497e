using System.Collections;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Latchkey.Server.Data;
using Microsoft.Win32.SafeHandles;

namespace Latchkey.Server.Tests.Support;

/// <summary>
/// A process that does one command after the other, each as in a process of its own: with its own arguments,
/// environment, working directory, standard input, output and error. What it saves is the second that a new process
/// takes to get going.
/// </summary>
static partial class CommandHost
{
    public const string Flag = "--commands";

    /// <summary>One line of standard input each; the answer is one line on what was standard output at first.</summary>
    public static async Task<int> Run()
    {
        Posix.KeepPrivate();
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        using var asked = new StreamReader(Descriptor(0, FileAccess.Read));
        using var answers = new StreamWriter(Descriptor(1, FileAccess.Write)) { AutoFlush = true };
        var home = Directory.CreateTempSubdirectory("latchkey-commands-").FullName;
        while (await asked.ReadLineAsync() is { } line)
        {
            await answers.WriteLineAsync(JsonSerializer.Serialize(await Do(JsonSerializer.Deserialize<Request>(line)!, home)));
        }

        Directory.Delete(home, true);
        return 0;
    }

    static async Task<Answer> Do(Request request, string home)
    {
        var (input, output, error) = (Path.Combine(home, "input"), Path.Combine(home, "output"), Path.Combine(home, "error"));
        await File.WriteAllTextAsync(input, request.Input);
        foreach (var name in Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(entry => (string)entry.Key).Where(Cli.IsSetting)) Environment.SetEnvironmentVariable(name, null);
        foreach (var (name, value) in request.Environment) Environment.SetEnvironmentVariable(name, value);
        Directory.SetCurrentDirectory(request.WorkingDirectory);
        using (Redirected(0, input, FileMode.Open, FileAccess.Read))
        using (Redirected(1, output, FileMode.Create, FileAccess.Write))
        using (Redirected(2, error, FileMode.Create, FileAccess.Write))
        {
            // The streams of the console keep descriptors of their own.
            Console.SetIn(new StreamReader(Console.OpenStandardInput()));
            Console.SetOut(new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true });
            Console.SetError(new StreamWriter(Console.OpenStandardError()) { AutoFlush = true });
            var status = await Commands.CommandLine.Run(request.Arguments);
            Tidy();
            return new Answer(status, await File.ReadAllTextAsync(output), await File.ReadAllTextAsync(error));
        }
    }

    /// <summary>What the end of a process would close.</summary>
    static void Tidy()
    {
        Console.In.Dispose();
        Console.Out.Dispose();
        Console.Error.Dispose();
        Npgsql.NpgsqlConnection.ClearAllPools();
        Directory.SetCurrentDirectory("/");
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    static FileStream Descriptor(int number, FileAccess access) => new(new SafeFileHandle(Dup(number), true), access);

    static FileStream Redirected(int number, string file, FileMode mode, FileAccess access)
    {
        var stream = new FileStream(file, mode, access, FileShare.ReadWrite);
        if (Dup2(stream.SafeFileHandle, number) != number) throw new InvalidOperationException($"Descriptor {number} cannot be redirected.");
        return stream;
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Dup(int descriptor);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Dup2(SafeFileHandle from, int to);

    public sealed record Request(string[] Arguments, Dictionary<string, string> Environment, string WorkingDirectory, string Input);

    public sealed record Answer(int Status, string Output, string Error);
}
