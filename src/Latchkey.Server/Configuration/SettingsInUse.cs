using System.Collections;
using System.Globalization;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.Configuration.Memory;

namespace Latchkey.Server.Configuration;

/// <summary>One setting as it is in use.</summary>
/// <param name="Name">As <c>RateLimit:RequestsPerMinute</c>.</param>
/// <param name="Value">As it was written, or the default; a secret is masked. Null: there is none.</param>
/// <param name="Source"><c>default</c>, <c>file</c>, <c>environment</c> or <c>command_line</c>.</param>
/// <param name="Origin">The file, the variable or the option.</param>
public sealed record SettingInUse(string Name, string? Value, string Source, string? Origin);

/// <summary>What is set, and where it came from.</summary>
static class SettingsInUse
{
    const string Mask = "••••••••";
    static readonly string[] Secrets = ["Password", "Secret", "Key", "Token", "Headers", "ConnectionString", "PASSPHRASE"];

    /// <param name="sources">Those that the settings were read from.</param>
    /// <param name="unknown">Names that nothing reads.</param>
    public static IReadOnlyList<SettingInUse> Of(IConfiguration sources, out IReadOnlyList<string> unknown)
    {
        var reader = Settings.Retrace(sources);
        unknown = reader.Unknown();
        return [.. reader.Asked.Select(asked => Of(sources, asked.Name, asked.Otherwise))];
    }

    static SettingInUse Of(IConfiguration sources, string name, object? otherwise)
    {
        var section = sources.GetSection(name);
        var given = section.GetChildren().Append(section).Where(part => !string.IsNullOrWhiteSpace(part.Value)).ToList();
        if (given.Count == 0) return new SettingInUse(name, TextOf(otherwise), "default", null);
        var value = string.Join(", ", given.Select(part => part.Value!.Trim()));
        var (source, origin) = SourceOf(sources, given[0].Path);
        return new SettingInUse(name, IsSecret(name) ? Mask : value, source, origin);
    }

    /// <summary>The last source that has it is the one that counts.</summary>
    static (string Source, string? Origin) SourceOf(IConfiguration sources, string path) =>
        (sources as IConfigurationRoot)?.Providers.Reverse().FirstOrDefault(provider => provider.TryGet(path, out _)) switch
        {
            JsonConfigurationProvider => ("file", Path.GetFullPath("appsettings.json")),
            EnvironmentVariablesConfigurationProvider => ("environment", VariableOf(path)),
            MemoryConfigurationProvider => ("command_line", "--" + path),
            _ => ("default", null),
        };

    /// <summary>As it is spelled in the environment, of which capitals are no matter.</summary>
    static string VariableOf(string path)
    {
        var name = Settings.EnvironmentPrefix + path.Replace(":", "__", StringComparison.Ordinal);
        return Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(entry => (string)entry.Key)
            .FirstOrDefault(key => key.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? name;
    }

    public static bool IsSecret(string name) => Secrets.Any(end => name.EndsWith(end, StringComparison.OrdinalIgnoreCase));

    static string? TextOf(object? value) => value is TimeSpan time ? time.ToString("c", CultureInfo.InvariantCulture) : Convert.ToString(value, CultureInfo.InvariantCulture);
}
