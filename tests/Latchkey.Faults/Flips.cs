namespace Latchkey.Faults;

/// <summary>
/// Licenses that are suspended and resumed without end, through the admin API. From the moment that it has answered on, nobody
/// may be told anything else, at any node.
/// </summary>
sealed class Flips(Stage stage, Shop shop, Ledger ledger)
{
    public static readonly Verdict Suspended = new(403, "LICENSE_INACTIVE");
    static readonly TimeSpan Rest = TimeSpan.FromSeconds(2);

    int _done;

    public int Done => _done;

    public Task Run(CancellationToken stop) => Task.WhenAll(shop.Flipped.Select((flipped, i) => Flip(flipped, shop.IdOfFlipped(i), i, stop)));

    async Task Flip(Case flipped, long id, int number, CancellationToken stop)
    {
        using var caller = new Caller(stage.Balancer.Url, $"127.6.0.{number + 1}", keepsConnections: false);
        var nodes = stage.Nodes.Select(node => new Caller(node.Url, $"127.6.{node.Number}.{number + 1}", keepsConnections: false)).ToList();
        for (var suspend = true; !stop.IsCancellationRequested; suspend = !suspend)
        {
            flipped.Verdict = null;
            if (!await Succeeds(caller, $"/api/admin/licenses/{id}/{(suspend ? "suspend" : "resume")}", stop)) return;
            var verdict = suspend ? new Verdict(Suspended.Status, Suspended.Code) : new Verdict(Verdict.Valid.Status, Verdict.Valid.Code);
            flipped.Verdict = verdict;
            Interlocked.Increment(ref _done);
            await Task.WhenAll(stage.Nodes.Where(node => !node.IsAway).Select(node => Confirm(nodes[node.Number - 1], node, flipped, verdict)));
            await Task.Delay(Rest, CancellationToken.None);
        }
    }

    async Task<bool> Succeeds(Caller caller, string path, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var phase = ledger.Now;
            var reply = await caller.Operate(path, shop.ApiKey);
            if (ledger.Count(reply, phase, path, isOffice: true))
            {
                if (reply.Status == 200) return true;
                ledger.Fail($"{path}: {reply}");
            }

            await Task.Delay(300, CancellationToken.None);
        }

        return false;
    }

    async Task Confirm(Caller caller, Node node, Case flipped, Verdict verdict)
    {
        var phase = ledger.Now;
        var reply = await caller.Verify(flipped);
        if (ledger.Count(reply, phase, "verify after a change") && !verdict.Is(reply)) ledger.Fail($"node {node.Number} is stale: {verdict.Status} {verdict.Code} was set, it said {reply}");
    }
}
