namespace Latchkey.Bench;

/// <summary>Runs the rows that are wanted, prints the table, and keeps it.</summary>
static class Bench
{
    public static async Task<int> Run(BenchOptions options, CancellationToken stop)
    {
        System.Globalization.CultureInfo.DefaultThreadCurrentCulture = System.Globalization.CultureInfo.InvariantCulture;
        var rows = Rows.All(options).Where(row => row.IsEmbedded == options.IsEmbedded).ToList();
        var strange = options.Only.FirstOrDefault(name => !rows.Any(row => row.IsWanted([name])));
        if (strange is not null) throw new BenchException($"there is no row {strange}: {string.Join(", ", rows.Select(row => row.Name))}");

        var stage = new Stage(options);
        var report = new Report(options);
        foreach (var row in rows.Where(row => row.IsWanted(options.Only))) await Measure(row, stage, report, stop);
        Console.Out.Write(report.Table());
        report.Save();
        return report.HasFailures ? 1 : 0;
    }

    static async Task Measure(Row row, Stage stage, Report report, CancellationToken stop)
    {
        Say.Line($"{row.Name}: {row.What}");
        try
        {
            var measured = await row.Measure(stage, stop);
            report.Add(row, measured);
            Say.Line($"  = {Report.Figure(row, measured.Figure)} ({row.Standing(measured.Figure).Trim('*')})");
        }
        catch (BenchException failure)
        {
            report.AddFailure(row, failure.Message);
            Say.Line($"  FAILED: {failure.Message}");
        }
    }
}
