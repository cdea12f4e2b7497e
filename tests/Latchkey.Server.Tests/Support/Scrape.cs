using System.Globalization;
using System.Text.RegularExpressions;

namespace Latchkey.Server.Tests.Support;

/// <summary>One line of <c>/metrics</c>.</summary>
sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);

/// <summary>What <c>/metrics</c> says, in Prometheus' text format.</summary>
sealed partial class Scrape
{
    public required string Text { get; init; }
    public required IReadOnlyList<Sample> Samples { get; init; }

    public static Scrape Parse(string text) => new()
    {
        Text = text,
        Samples = [.. text.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line =>
        {
            var match = Line().Match(line);
            Assert.True(match.Success, $"no line of the text format: {line}");
            return new Sample(
                match.Groups[1].Value,
                Label().Matches(match.Groups[2].Value).ToDictionary(label => label.Groups[1].Value, label => label.Groups[2].Value),
                double.Parse(match.Groups[3].Value.Replace("+Inf", "Infinity"), CultureInfo.InvariantCulture));
        })],
    };

    /// <summary>The sum of all samples with this name and these labels.</summary>
    public double Of(string name, params (string Name, string Value)[] labels) =>
        Samples.Where(sample => sample.Name == name && labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value)).Sum(sample => sample.Value);

    [GeneratedRegex(@"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$")]
    private static partial Regex Line();

    [GeneratedRegex(@"([a-zA-Z_]\w*)=""((?:[^""\\]|\\.)*)""")]
    private static partial Regex Label();
}
