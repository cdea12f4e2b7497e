using System.Diagnostics;
using System.Globalization;

namespace Latchkey.Bench;

static class StartRow
{
    const int Times = 5;

    /// <summary>From the start of the process to the first 200 of a real verification.</summary>
    public static async Task<Measured> Measure(Stage stage, CancellationToken stop)
    {
        var data = await Seed.Licenses(stage, stage.Options.Licenses, "start", stop);
        var request = RawConnection.Ask("GET", VerifyRows.Path, SeededLicense.Number(stage.Options.Licenses / 2));
        List<double> seconds = [];
        for (var i = 0; i < Times; i++)
        {
            var clock = Stopwatch.StartNew();
            await using var server = stage.BeginLatchkey(data);
            await server.Until(Answers, stop);
            seconds.Add(clock.Elapsed.TotalSeconds);
            Say.Line(string.Create(CultureInfo.InvariantCulture, $"  start {i + 1}: {seconds[^1]:0.000} s"));

            bool Answers()
            {
                using var connection = new RawConnection(server.Port);
                return connection.Exchange(request) == 200;
            }
        }

        var median = Pairs.Median(seconds);
        return new Measured(string.Create(CultureInfo.InvariantCulture, $"{median:0.00} s"), "–", median, seconds);
    }
}
