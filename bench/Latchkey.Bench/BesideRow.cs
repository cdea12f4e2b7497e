using System.Diagnostics;

namespace Latchkey.Bench;

/// <summary>What downloads cost those who verify: the 99th percentile of its time, beside a hundred downloads and without them.</summary>
static class BesideRow
{
    const int Downloaders = 100;
    const int PerSecond = 500;

    public static async Task<Measured> Measure(Stage stage, CancellationToken stop)
    {
        await using var server = await stage.StartLatchkey(await Seed.Files(stage, stop), stop);
        Percentile(server, 1);
        return await Pairs.Run(stage, "µs", () => BesideDownloads(stage, server, stop), () => Task.FromResult(Percentile(server, stage.Options.Seconds)));
    }

    static async Task<double> BesideDownloads(Stage stage, Server server, CancellationToken stop)
    {
        var tokens = Tokens.Mint(server, Enumerable.Range(100, Downloaders).Select(i => SeededLicense.Number(i, Seed.HugeProduct)));
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        SlowClient[] clients = [.. tokens.Select((token, index) => new SlowClient(server.Port, token, SlowClient.OfMixed(index)))];
        var all = Task.WhenAll(clients.Select(client => client.Run(over.Token)));
        await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(2), stop));
        var before = clients.Sum(client => client.Received);
        var clock = Stopwatch.StartNew();
        var figure = await Task.Run(() => Percentile(server, stage.Options.Seconds), stop);
        Say.Line($"  beside {(clients.Sum(client => client.Received) - before) / clock.Elapsed.TotalSeconds / 1e6:0} MB/s of downloads, {Machine.ResidentMegabytes(server.Pid):0} MB resident");
        await over.CancelAsync();
        await all;
        return figure;
    }

    /// <summary>At a steady pace, each request at its time whether or not the last was quick: a slow answer does not hide those that would have waited behind it.</summary>
    /// <returns>Microseconds.</returns>
    static double Percentile(Server server, int seconds)
    {
        using var connection = new RawConnection(server.Port);
        var ask = RawConnection.Ask("GET", VerifyRows.Path, SeededLicense.Number(0, Seed.LargeProduct));
        var times = new double[PerSecond * seconds];
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < times.Length; i++)
        {
            var due = TimeSpan.FromSeconds((double)i / PerSecond);
            if (due > clock.Elapsed) Thread.Sleep(due - clock.Elapsed);
            if (connection.Exchange(ask) != 200) throw new BenchException("a verification was refused");
            times[i] = (clock.Elapsed - due).TotalMicroseconds;
        }

        Array.Sort(times);
        return times[(int)(times.Length * 0.99)];
    }
}
