using System.Globalization;

namespace Latchkey.Faults;

/// <summary>The load, the faults in turn, and after each how long it takes until all is well.</summary>
sealed class Run(Options options)
{
    static readonly TimeSpan Promise = TimeSpan.FromSeconds(10);
    static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    readonly Ledger _ledger = new();
    readonly Shop _shop = new();

    public async Task<bool> All(CancellationToken stop)
    {
        Console.Error.WriteLine("Starting PostgreSQL, Redis, three nodes and HAProxy …");
        await using var stage = new Stage(options);
        try
        {
            return await On(stage, stop);
        }
        finally
        {
            Keep(stage);
        }
    }

    async Task<bool> On(Stage stage, CancellationToken stop)
    {
        await stage.Start();
        await _shop.Fill(stage);
        await stage.Open();
        var (probe, began) = (new Recovery(stage, _shop), Caller.Now);
        await probe.Wait();
        var (flips, downloads, pounding) = (new Flips(stage, _shop, _ledger), new Downloads(stage, _shop, _ledger), new Pounding(stage, _shop, _ledger));
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(stop);
        List<Task> load = [new Verifications(stage, _shop, _ledger).Run(enough.Token), flips.Run(enough.Token), downloads.Run(enough.Token), pounding.Run(enough.Token)];
        await Strike(stage, probe, stop);
        await enough.CancelAsync();
        Console.Error.WriteLine("Following the last links to their end …");
        await Task.WhenAll(load);
        pounding.Count();
        pounding.Judge();
        Judge(_ledger.Phases);
        var report = new Report(options, _ledger, downloads, flips, pounding, TimeSpan.FromMilliseconds(Caller.Now - began));
        report.Print();
        if (options.Markdown is { } path) await File.WriteAllTextAsync(path, report.Markdown(), stop);
        return _ledger.Failed == 0;
    }

    /// <summary>Without Redis no request takes more than 100 ms longer; on a machine that others use, less than 0.6 s says nothing.</summary>
    void Judge(IReadOnlyList<Phase> phases)
    {
        var usual = Report.P99([.. phases.Where(phase => phase.Fault == Fault.None)]);
        foreach (var phase in phases.Where(phase => phase.Fault.IsOfRedis && Report.P99(phase) > Math.Max(600, usual + 100))) _ledger.Fail($"{phase.Fault.Name}: verify p99 {Report.P99(phase):0} ms");
    }

    async Task Strike(Stage stage, Recovery probe, CancellationToken stop)
    {
        var faults = Faults.Of(stage, options.IsShort).Where(fault => options.Only.Length == 0 || options.Only.Any(word => fault.Name.Contains(word, StringComparison.OrdinalIgnoreCase))).ToList();
        var end = Caller.Now + (options.Minutes * 60_000.0);
        await Quiet(probe, TimeSpan.FromSeconds(options.IsShort ? 3 : 20), stop);
        do
        {
            foreach (var fault in faults)
            {
                await Strike(stage, fault, probe);
                if (stop.IsCancellationRequested || (Caller.Now > end && !options.IsShort)) return;
            }
        }
        while (Caller.Now < end);
    }

    async Task Quiet(Recovery probe, TimeSpan time, CancellationToken stop)
    {
        var phase = _ledger.Begin(Fault.None);
        await Task.Delay(time, stop);
        phase.Lasted = Caller.Now - phase.Began;
        await probe.Wait();
        Say(phase);
    }

    async Task Strike(Stage stage, Fault fault, Recovery probe)
    {
        var phase = _ledger.Begin(fault);
        await fault.Strike(fault.Hold);
        phase.Lasted = Caller.Now - phase.Began;
        phase.Recovered = await probe.Wait();
        if (phase.Recovered > Promise.TotalMilliseconds) _ledger.Fail($"all was well only {phase.Recovered / 1000:0.0} s later");
        foreach (var node in stage.Nodes) node.IsAway = false;
        await Task.Delay(Rest);
        Say(phase);
    }

    static void Say(Phase phase) => Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"  {phase.Fault.Name,-28} {phase.Lasted / 1000,5:0.0} s, well {phase.Recovered / 1000,4:0.0} s later; {phase.Requests,5} requests, {phase.Unavailable,4} × 503, {phase.NoNode,4} × no node, {phase.Interrupted,3} interrupted; p99 {Report.P99(phase),4:0} ms"));

    /// <summary>What the nodes and the servers said, until the next run.</summary>
    void Keep(Stage stage)
    {
        var kept = Path.Combine(options.Root, "artifacts", "faults");
        Directory.CreateDirectory(kept);
        foreach (var log in Directory.GetFiles(stage.Place, "*.log")) File.Copy(log, Path.Combine(kept, Path.GetFileName(log)), overwrite: true);
        Console.Error.WriteLine("The logs are in artifacts/faults.");
    }
}
