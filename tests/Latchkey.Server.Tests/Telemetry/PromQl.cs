using System.Text.RegularExpressions;

namespace Latchkey.Server.Tests.Telemetry;

/// <summary>What an expression of PromQL asks for: metrics with their matchers, and labels that it groups by.</summary>
sealed partial record PromQl(IReadOnlyList<(string Name, IReadOnlyList<(string Label, string Value)> Matchers)> Metrics, IReadOnlyList<string> By)
{
    static readonly HashSet<string> Words = ["by", "without", "on", "ignoring", "and", "or", "unless", "bool", "offset"];

    public static PromQl Parse(string expression)
    {
        foreach (var pair in (string[])["()", "{}", "[]"]) Assert.True(expression.Count(c => c == pair[0]) == expression.Count(c => c == pair[1]), $"brackets in {expression}");
        var by = Grouping().Matches(expression).SelectMany(match => match.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries));
        var metrics = new List<(string, IReadOnlyList<(string, string)>)>();
        foreach (Match match in Name().Matches(Range().Replace(Grouping().Replace(expression, ""), "")))
        {
            if (match.Groups[3].Success || Words.Contains(match.Groups[1].Value)) continue;
            metrics.Add((match.Groups[1].Value, [.. Matcher().Matches(match.Groups[2].Value).Select(m => (m.Groups[1].Value, m.Groups[2].Value))]));
        }

        return new PromQl(metrics, [.. by]);
    }

    /// <summary>Prometheus' regular expressions are anchored.</summary>
    public static bool Matches(string pattern, string? value) => value is not null && (pattern == value || Regex.IsMatch(value, $"^(?:{pattern})$"));

    [GeneratedRegex(@"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")]
    private static partial Regex Grouping();

    [GeneratedRegex(@"\[[^\]]*\]")]
    private static partial Regex Range();

    // A name; its matchers, or the bracket that makes it a function.
    [GeneratedRegex(@"(?<![\w$""])([a-zA-Z_:][\w:]*)(?:\{([^}]*)\}|(\s*\())?")]
    private static partial Regex Name();

    [GeneratedRegex(@"(\w+)\s*=~?\s*""([^""]*)""")]
    private static partial Regex Matcher();
}
