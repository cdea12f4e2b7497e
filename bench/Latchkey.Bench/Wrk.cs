using System.Globalization;

namespace Latchkey.Bench;

/// <summary>The load on the license API: two threads, 64 connections, keys at random.</summary>
static class Wrk
{
    static int _seed;

    /// <returns>Requests a second.</returns>
    /// <exception cref="BenchException">Any answer was not a success: refusals must not count as speed.</exception>
    public static async Task<double> Drive(Stage stage, Server server, string method, string path, string keys, int seconds, CancellationToken stop)
    {
        var seed = Interlocked.Increment(ref _seed).ToString(CultureInfo.InvariantCulture);
        var output = await Child.Output(
            "wrk", ["-t2", "-c64", $"-d{seconds}s", "--timeout", "10s", "-s", stage.Lua, server.Url.ToString(), "--", method, path, keys, seed], stop);
        var line = output.Split('\n').FirstOrDefault(line => line.StartsWith("BENCH ", StringComparison.Ordinal))
            ?? throw new BenchException("wrk gave no figures: " + output);
        long[] figures = [.. line.Split(' ').Skip(1).Select(text => long.Parse(text, CultureInfo.InvariantCulture))];
        if (figures[2] > 0) throw new BenchException($"{figures[2]:N0} of {figures[0]:N0} answers were refusals or errors");
        if (figures[3] > 0) throw new BenchException($"{figures[3]:N0} connections broke");
        if (figures[0] == 0) throw new BenchException("there was no answer at all");
        return figures[0] / (figures[1] / 1e6);
    }
}
