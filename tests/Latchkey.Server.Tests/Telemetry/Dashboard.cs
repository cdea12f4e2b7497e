using System.Text.Json;
using System.Text.RegularExpressions;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Telemetry;

/// <summary>The files that are shipped for Grafana and Prometheus, and the guide's table of metrics.</summary>
static partial class Dashboard
{
    static string Read(params string[] path) => File.ReadAllText(Path.Combine([Cli.Root, .. path]));

    public static IReadOnlyList<(string Place, string Expression)> Expressions()
    {
        var all = new List<(string, string)>();
        foreach (var panel in JsonDocument.Parse(Read("deploy", "grafana", "latchkey.json")).RootElement.GetProperty("panels").EnumerateArray())
        {
            if (!panel.TryGetProperty("targets", out var targets)) continue;
            foreach (var target in targets.EnumerateArray()) all.Add((panel.GetProperty("title").GetString()!, target.GetProperty("expr").GetString()!));
        }

        Assert.True(all.Count > 20);
        return all;
    }

    public static IReadOnlyList<(string Place, string Expression)> Rules()
    {
        var text = Read("deploy", "prometheus", "latchkey.rules.yml");
        var all = Rule().Matches(text).Select(match => (match.Groups[1].Value, match.Groups[2].Value)).ToList();
        Assert.True(all.Count > 10);
        Assert.Equal(text.Split("- alert:").Length - 1, all.Count);
        Assert.Equal(all.Count, all.Select(rule => rule.Item1).Distinct().Count());
        return all;
    }

    /// <summary>By their names in Prometheus.</summary>
    public static IReadOnlyList<string> ListedMetrics() => [.. MetricRow().Matches(Read("docs", "operations.md")).Select(match => match.Groups[1].Value)];

    [GeneratedRegex(@"- alert: (\w+)\n        expr: ([^\n]+)\n")]
    private static partial Regex Rule();

    [GeneratedRegex(@"^\| `(latchkey_\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex MetricRow();
}
