using System.Globalization;

namespace Latchkey.Bench;

static class MemoryRows
{
    static readonly TimeSpan SampleEvery = TimeSpan.FromMilliseconds(100);
    const int DownloadSeconds = 15;
    const int Downloaders = 100;

    public static async Task<Measured> Idle(Stage stage, CancellationToken stop)
    {
        var data = stage.At("run-empty");
        if (Directory.Exists(data)) Directory.Delete(data, recursive: true);
        await using var server = await stage.StartLatchkey(data, stop);
        await Task.Delay(TimeSpan.FromSeconds(5), stop);
        return Found([Machine.ResidentMegabytes(server.Pid)]);
    }

    public static async Task<Measured> UnderLoad(Stage stage, CancellationToken stop)
    {
        var keys = Seed.Keys(stage, stage.Options.Licenses);
        await using var server = await stage.StartLatchkey(await Seed.Licenses(stage, stage.Options.Licenses, "memory", stop), stop);
        return Found(await Sample(server, Wrk.Drive(stage, server, "GET", VerifyRows.Path, keys, 3 * stage.Options.Seconds, stop)));
    }

    public static async Task<Measured> Downloads(Stage stage, CancellationToken stop)
    {
        await using var server = await stage.StartLatchkey(await Seed.Files(stage, stop), stop);
        var tokens = Tokens.Mint(server, Enumerable.Range(100, Downloaders).Select(i => SeededLicense.Number(i, Seed.HugeProduct)));
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        over.CancelAfter(TimeSpan.FromSeconds(DownloadSeconds));
        SlowClient[] clients = [.. tokens.Select((token, index) => new SlowClient(server.Port, token, SlowClient.OfMixed(index)))];
        var all = Task.WhenAll(clients.Select(client => client.Run(over.Token)));
        var samples = await Sample(server, all);
        stop.ThrowIfCancellationRequested();
        Say.Line($"  {clients.Sum(client => client.Received) / 1e9:0.0} GB went out to {clients.Length} clients");
        return Found(samples);
    }

    static async Task<List<double>> Sample(Server server, Task load)
    {
        var samples = new List<double>();
        do samples.Add(Machine.ResidentMegabytes(server.Pid));
        while (await Task.WhenAny(load, Task.Delay(SampleEvery)) != load);
        await load;
        return samples;
    }

    /// <summary>The peak counts.</summary>
    static Measured Found(IReadOnlyList<double> samples) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{samples.Max():0} MB"), "–", samples.Max(), samples);
}
