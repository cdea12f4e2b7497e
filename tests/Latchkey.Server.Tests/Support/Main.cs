using Xunit.Runner.InProc.SystemConsole;

namespace Latchkey.Server.Tests.Support;

/// <summary>The runner of the tests; or, with <see cref="CommandHost.Flag"/>, a process that does commands for it.</summary>
static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        if (arguments is [CommandHost.Flag]) return await CommandHost.Run();
        Cli.Do = CommandHosts.Run;
        return await ConsoleRunner.Run(arguments);
    }
}
