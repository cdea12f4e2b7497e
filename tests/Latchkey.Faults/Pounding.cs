namespace Latchkey.Faults;

/// <summary>Addresses that ask twice as often as they may, through the balancer and so at all nodes: how many are let in?</summary>
sealed class Pounding(Stage stage, Shop shop, Ledger ledger)
{
    const int Pounders = 3;
    const double Window = 60_000;

    static readonly TimeSpan Every = TimeSpan.FromMilliseconds(250);

    readonly List<(double Sent, double Came, bool IsAdmitted, bool IsKnown)>[] _seen = [.. Enumerable.Range(0, Pounders).Select(_ => new List<(double, double, bool, bool)>())];

    /// <summary>Minutes that were looked at, and the most and the fewest that were let in.</summary>
    public (int Minutes, int Most, int Fewest) Found { get; private set; } = (0, 0, int.MaxValue);

    public Task Run(CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, Pounders).Select(i => Pounder(i, stop)));

    async Task Pounder(int number, CancellationToken stop)
    {
        using var caller = new Caller(stage.Balancer.Url, $"127.2.0.{number + 1}", keepsConnections: false);
        using var places = new SemaphoreSlim(20);
        while (!stop.IsCancellationRequested)
        {
            await places.WaitAsync(CancellationToken.None);
            _ = Ask(caller, number, places);
            await Task.Delay(Every, CancellationToken.None);
        }

        for (var i = 0; i < 20; i++) await places.WaitAsync(CancellationToken.None);
    }

    async Task Ask(Caller caller, int number, SemaphoreSlim places)
    {
        var (phase, asked) = (ledger.Now, shop.Good[number]);
        var reply = await caller.Verify(asked);
        ledger.Count(reply, phase, "verify often");
        lock (_seen[number]) _seen[number].Add((reply.Began, reply.Ended, reply.Status != 429, !reply.IsInterrupted));
        if (!reply.IsInterrupted && reply.Status is not (200 or 429 or 503)) ledger.Fail($"verify often: {reply}");
        if (reply.Status == 429 && reply.RetryAfter is not >= 1) ledger.Fail($"429 without Retry-After: {reply}");
        places.Release();
    }

    /// <summary>Every minute that begins with a request, and in which Redis was there throughout.</summary>
    public void Count()
    {
        var away = ledger.Phases.Where(phase => phase.Fault.IsOfRedis).Select(phase => (From: phase.Began - 100, To: phase.Began + phase.Lasted + phase.Recovered)).ToList();
        var end = ledger.Phases.Max(phase => phase.Began + phase.Lasted + phase.Recovered);
        foreach (var seen in _seen)
        {
            foreach (var from in seen.Select(one => one.Sent))
            {
                var to = from + Window;
                if (to < end && !away.Exists(one => one.From < to && one.To > from)) Count(seen, from, to, isSteady: from > seen[0].Sent + Window && !away.Exists(one => one.From < to && one.To > from - Window));
            }
        }
    }

    public void Judge()
    {
        if (Found.Most > Stage.Limit * 1.02) ledger.Fail($"{Found.Most} requests of one address were let in within a minute; {Stage.Limit} are allowed");
        if (Found.Fewest < Stage.Limit * 0.98) ledger.Fail($"only {Found.Fewest} requests of one address were let in within a minute; {Stage.Limit} are allowed");
    }

    /// <summary>Who was surely let in within the minute is not more than the limit; who may have been, an answer that got lost too, is not fewer.</summary>
    void Count(List<(double Sent, double Came, bool IsAdmitted, bool IsKnown)> seen, double from, double to, bool isSteady)
    {
        var surely = seen.Count(one => one.Sent >= from && one.Came < to && one.IsAdmitted && one.IsKnown);
        var perhaps = seen.Count(one => one.Came >= from && one.Sent < to && one.IsAdmitted);
        Found = (Found.Minutes + 1, Math.Max(Found.Most, surely), isSteady ? Math.Min(Found.Fewest, perhaps) : Found.Fewest);
    }
}
