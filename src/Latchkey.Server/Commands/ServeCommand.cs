using System.CommandLine;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey serve</c></summary>
static class ServeCommand
{
    static readonly Option<bool> Demo = new("--demo") { Description = "Make a demo product with a file and a license, and print commands to try" };
    static readonly Option<string?> Urls = new("--urls") { Description = "Where to listen (usual: http://127.0.0.1:8080)", HelpName = "URL" };

    sealed record Started(
        string[] Urls, string Data, DemoInstallation? Demo, string PanelUrl, string? SetupUrl, [property: System.Text.Json.Serialization.JsonIgnore] bool IsEmpty);

    public static Command Make()
    {
        var command = new Command("serve", "Run the server. Any setting can follow, as --RateLimit:RequestsPerMinute 120.") { Demo, Urls };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(Run);
        return command;
    }

    static async Task<int> Run(ParseResult parsed, CancellationToken stop)
    {
        var settings = ReadSettings(parsed, out var unknown);
        var data = DataDirectory.Open(settings, create: true, TimeProvider.System);
        var demo = parsed.GetValue(Demo) ? await DemoInstallation.Make(data, TimeProvider.System) : null;
        await using var app = Server.Build(settings, data, TimeProvider.System);
        foreach (var name in unknown) Warn($"There is no setting {name}: it was ignored. docs/operations.md lists those there are.");
        try
        {
            await app.StartAsync(CancellationToken.None);
        }
        catch (Exception failure) when (failure is IOException or System.Net.Sockets.SocketException)
        {
            throw new OperationException($"Cannot listen on {string.Join(", ", settings.Urls)}: {failure.Message.TrimEnd('.')}. Choose another address with --urls.");
        }

        var urls = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToArray();
        var home = Links.Home(settings, urls[0]);
        var (setup, isEmpty) = Beginning(data);
        Output.Done(parsed, new Started(urls, data.Path, demo, home + "/admin/", setup is null ? null : home + setup, isEmpty), Greeting);
        await Console.Out.FlushAsync(CancellationToken.None);
        using var impatience = Shutdown.Watch(app, settings.ShutdownTimeout);
        await app.WaitForShutdownAsync(CancellationToken.None);
        return 0;
    }

    static Settings ReadSettings(ParseResult parsed, out IReadOnlyList<string> unknown)
    {
        var given = OnCommandLine(parsed.UnmatchedTokens);
        if (given.Any(pair => pair.Key.Equals(BackupSettings.PassphraseName, StringComparison.OrdinalIgnoreCase))) throw new UsageException($"The passphrase is not taken from the command line, which others can see: set {BackupSettings.PassphraseVariable} in the environment.");
        var settings = Settings.Read(
            Settings.Sources([.. given, .. CommandLine.Given("Data", parsed.GetValue(CommandLine.Data)), .. CommandLine.Given("Urls", parsed.GetValue(Urls))]),
            out unknown);
        var mistyped = unknown.FirstOrDefault(name => given.Any(pair => pair.Key.Equals(name, StringComparison.OrdinalIgnoreCase)));
        if (mistyped is not null) throw new UsageException($"Unrecognized option or setting --{mistyped}. \"latchkey serve --help\" shows the usage, docs/operations.md the settings.");
        return settings;
    }

    /// <summary>.NET's own way: <c>--Name value</c> or <c>--Name=value</c>.</summary>
    static List<KeyValuePair<string, string?>> OnCommandLine(IReadOnlyList<string> tokens)
    {
        var given = new List<KeyValuePair<string, string?>>();
        for (var i = 0; i < tokens.Count; i++)
        {
            var token = tokens[i];
            if (!token.StartsWith("--", StringComparison.Ordinal)) throw new UsageException($"Unrecognized argument \"{token}\". \"latchkey serve --help\" shows the usage.");
            var parts = token[2..].Split('=', 2);
            if (parts.Length == 1 && i + 1 == tokens.Count) throw new UsageException($"Unrecognized option {token}, or a setting without its value. \"latchkey serve --help\" shows the usage, docs/operations.md the settings.");
            given.Add(new(parts[0], parts.Length == 2 ? parts[1] : tokens[++i]));
        }

        return given;
    }

    static void Warn(string sentence) => Console.Error.WriteLine("warning: " + sentence);

    static IEnumerable<string> Greeting(Started started)
    {
        var url = started.Urls[0].Replace("//0.0.0.0", "//127.0.0.1", StringComparison.Ordinal).Replace("//[::]", "//127.0.0.1", StringComparison.Ordinal);
        yield return $"Latchkey listens on {string.Join(", ", started.Urls)}";
        yield return $"Data lies in {started.Data}";
        yield return started.SetupUrl is { } setup ? $"Set up the admin panel: {setup} (valid one hour, once)" : $"The admin panel is at {started.PanelUrl}";
        yield return "";
        foreach (var line in started.Demo?.Commands(url) ?? (started.IsEmpty ? FirstSteps : [])) yield return line;
        yield return "Stop with Ctrl+C.";
    }

    /// <summary>For a new installation. Requests are answered by now: a database that is slow or away at this moment is no reason to end.</summary>
    static (string? Setup, bool IsEmpty) Beginning(DataDirectory data)
    {
        try
        {
            return (Links.Setup(data, TimeProvider.System), IsEmpty(data));
        }
        catch (Exception failure) when (!data.Database.IsEmbedded && StoreUnavailableException.From(failure) is not null)
        {
            Warn("The database did not answer in time: if there is no operator yet, restart for a link to the panel, or take \"latchkey operator add --role owner\".");
            return (null, false);
        }
    }

    static bool IsEmpty(DataDirectory data)
    {
        using var connection = data.Database.Open();
        return Database.Scalar<long>(connection, "SELECT count(*) FROM products") == 0;
    }

    static readonly string[] FirstSteps =
        [
            "To begin, in another terminal (with --data, if you gave it here):",
            "",
            "  ./latchkey product add --name \"My Plugin\" --prefix MYPLUGIN",
            "  ./latchkey product publish --product 1 --file ./my-plugin.zip",
            "  ./latchkey license issue --product 1 --domain example.com",
            "",
            "Or start with --demo to see it work.",
            "",
        ];
}
