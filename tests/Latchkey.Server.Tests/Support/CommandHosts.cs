using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;

[assembly: AssemblyFixture(typeof(Latchkey.Server.Tests.Support.CommandHosts.Stop))]

namespace Latchkey.Server.Tests.Support;

/// <summary>
/// Processes that do commands for the tests, as many as are wanted at once. Each verb is run once as the published
/// program, as its users have it; from then on here.
/// </summary>
static class CommandHosts
{
    static readonly ConcurrentDictionary<string, bool> Spawned = new(StringComparer.Ordinal);
    static readonly ConcurrentBag<Host> Idle = [];

    public static async Task<CliResult> Run(string[] arguments, Dictionary<string, string> environment, string workingDirectory, string input)
    {
        if (IsFirst(arguments)) return await Cli.Spawn(arguments, environment, workingDirectory, input);
        if (!Idle.TryTake(out var host)) host = new Host();
        var answer = await host.Do(new CommandHost.Request(arguments, environment, workingDirectory, input));
        Idle.Add(host);
        return new CliResult(answer.Status, answer.Output, answer.Error);
    }

    static bool IsFirst(string[] arguments)
    {
        var verb = string.Join(' ', arguments.TakeWhile(argument => argument.Length > 0 && argument.All(char.IsAsciiLetterLower)));
        return verb is "" or "serve" || Spawned.TryAdd(verb, true);
    }

    sealed class Host : IDisposable
    {
        readonly Process _process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [CommandHost.Flag]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;

        public async Task<CommandHost.Answer> Do(CommandHost.Request request)
        {
            await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(request));
            await _process.StandardInput.FlushAsync();
            var line = await _process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(2))
                ?? throw new InvalidOperationException($"{string.Join(' ', request.Arguments)} ended the process: {await _process.StandardError.ReadToEndAsync()}");
            return JsonSerializer.Deserialize<CommandHost.Answer>(line)!;
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }
    }

    /// <summary>At the end of the run.</summary>
    public sealed class Stop : IDisposable
    {
        public void Dispose()
        {
            while (Idle.TryTake(out var host)) host.Dispose();
        }
    }
}
