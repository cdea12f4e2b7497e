using System.Globalization;

namespace Latchkey.Bench;

/// <summary>Two sides driven in turn, A B A B …: a shared machine's moods meet both, and only ratios count.</summary>
static class Pairs
{
    /// <param name="stage">How many pairs.</param>
    /// <param name="unit">Of both figures, as "/s".</param>
    /// <param name="ours">Measures our side once.</param>
    /// <param name="limit">Measures the other side once.</param>
    public static async Task<Measured> Run(Stage stage, string unit, Func<Task<double>> ours, Func<Task<double>> limit)
    {
        List<double> a = [], b = [], ratios = [];
        for (var pair = 1; pair <= stage.Options.Pairs; pair++)
        {
            a.Add(await ours());
            b.Add(await limit());
            ratios.Add(a[^1] / b[^1]);
            Say.Line(string.Create(CultureInfo.InvariantCulture, $"  pair {pair}: {a[^1]:N0} against {b[^1]:N0} {unit} = {ratios[^1]:0.000}"));
        }

        return new Measured(Text(Median(a), unit), Text(Median(b), unit), Median(ratios), ratios);
    }

    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    static string Text(double value, string unit) => string.Create(CultureInfo.InvariantCulture, $"{value:N0} {unit}");
}
