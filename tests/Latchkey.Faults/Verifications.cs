using System.Globalization;

namespace Latchkey.Faults;

/// <summary>
/// Clients that ask whether a license is good: through the balancer, and each node directly. Nobody asks more often than
/// the limit allows, so nobody may be told to wait.
/// </summary>
sealed class Verifications(Stage stage, Shop shop, Ledger ledger)
{
    const int ThroughBalancer = 13;
    const int Addresses = 8;
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    public Task Run(CancellationToken stop) => Task.WhenAll(
        [.. Enumerable.Range(0, ThroughBalancer).Select(i => Client(i, null, stop)), .. stage.Nodes.Select(node => Client(ThroughBalancer + node.Number, node, stop))]);

    async Task Client(int number, Node? node, CancellationToken stop)
    {
        var callers = Enumerable.Range(1, Addresses).Select(i => new Caller(
            node?.Url ?? stage.Balancer.Url, string.Create(CultureInfo.InvariantCulture, $"127.1.{number}.{i}"), keepsConnections: number % 2 == 0)).ToList();
        for (var i = number * 17; !stop.IsCancellationRequested; i++)
        {
            if (node is not { IsAway: true }) await Ask(callers[i % Addresses], shop.All[i % shop.All.Count], node);
            await Task.Delay(Pause, CancellationToken.None);
        }

        callers.ForEach(caller => caller.Dispose());
    }

    async Task Ask(Caller caller, Case asked, Node? node)
    {
        var (phase, before) = (ledger.Now, asked.Verdict);
        var reply = await caller.Verify(asked);
        var after = asked.Verdict;
        var what = $"verify {asked.Key} at {(node is null ? "the balancer" : "node " + node.Number)}";
        if (!ledger.Count(reply, phase, what)) return;
        phase.Times.Enqueue(reply.Took);
        if (reply.Took > Ledger.Longest) ledger.Fail($"{what}: answered only after {reply.Took:0} ms");
        var isRight = before is not null && ReferenceEquals(before, after) ? before.Is(reply) : Verdict.Valid.Is(reply) || Flips.Suspended.Is(reply);
        if (!isRight) ledger.Fail($"{what}: {before?.Status} {before?.Code} is right, it said {reply}");
    }
}
