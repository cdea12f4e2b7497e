using System.Text.RegularExpressions;
using Latchkey.Server.Configuration;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Docs;

/// <summary>What deploy/ sets is there to be set.</summary>
public sealed partial class DeployedSettingsTests
{
    static string Read(string file) => File.ReadAllText(Path.Combine(Cli.Root, "deploy", file));

    [Fact]
    public void Every_setting_that_a_file_in_deploy_names_is_one()
    {
        var named = Directory.GetFiles(Path.Combine(Cli.Root, "deploy"), "*", SearchOption.AllDirectories)
            .SelectMany(file => Name().Matches(File.ReadAllText(file)).Select(match => (File: file, Setting: Key(match.Value)))).ToList();
        Assert.NotEmpty(named);
        var known = Settings.Retrace(Sources(new() { ["TrustedProxies:0"] = "127.0.0.1" })).Known.ToHashSet(StringComparer.OrdinalIgnoreCase);
        Assert.All(named, name => Assert.True(known.Contains(name.Setting), $"{name.File} names {name.Setting}"));
    }

    [Theory]
    [InlineData("docker/compose.yaml")]
    [InlineData("kubernetes/latchkey.yaml")]
    public void The_settings_of_several_nodes_are_accepted_together(string file)
    {
        var given = Pair().Matches(Read(file)).ToDictionary(match => Key(match.Groups[1].Value), string? (match) => Value(match.Groups[2].Value));
        Assert.True(given.Count > 8);
        var settings = Settings.Read(Sources(given), out var unknown);
        Assert.Empty(unknown);
        Assert.True(settings.Database.IsPostgreSql && settings.Blobs.IsS3 && settings.Redis.Options is not null);
        Assert.NotEmpty(settings.TrustedProxies);

        // Who is killed before has broken off the downloads it was to finish.
        var patience = TimeSpan.FromSeconds(int.Parse(Patience().Match(Read(file)).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));
        Assert.True(patience > settings.ShutdownDelay + settings.ShutdownTimeout);
    }

    static string Key(string variable) => variable["LATCHKEY_".Length..].Replace("__", ":");

    static string Value(string text) => Variable().Replace(text.Trim('"', '\''), match => match.Groups[1].Success ? match.Groups[1].Value : "secret");

    static IConfiguration Sources(Dictionary<string, string?> values) => new ConfigurationBuilder().AddInMemoryCollection(values).Build();

    [GeneratedRegex(@"LATCHKEY_\w+")]
    private static partial Regex Name();

    // In YAML, and as kubectl is told.
    [GeneratedRegex(@"(?:^ +|--from-literal=)(LATCHKEY_\w+)(?:: |=)('[^'\n]*'|[^\s\\]+)", RegexOptions.Multiline)]
    private static partial Regex Pair();

    [GeneratedRegex(@"\$\{\w+(?::-([^}]*)|:\?[^}]*)\}")]
    private static partial Regex Variable();

    [GeneratedRegex(@"(?:stop_grace_period|terminationGracePeriodSeconds): (\d+)")]
    private static partial Regex Patience();
}
