namespace Latchkey.Faults;

/// <summary>All is well when each node says so of itself and of Redis, and each gives the right verdict, as does the balancer.</summary>
sealed class Recovery(Stage stage, Shop shop)
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);
    int _asked;

    /// <returns>Milliseconds.</returns>
    public async Task<double> Wait()
    {
        var began = Caller.Now;
        while (!await IsWell())
        {
            if (Caller.Now - began > Patience.TotalMilliseconds) throw new FaultsException("the nodes do not come back");
            await Task.Delay(100);
        }

        return Caller.Now - began;
    }

    async Task<bool> IsWell()
    {
        foreach (var node in stage.Nodes)
        {
            node.RequireAlive();
            using var caller = new Caller(node.Url, NextAddress(), keepsConnections: false);
            var ready = await caller.Get("/readyz");
            if (ready.Status != 200 || !ready.Text.Contains("\"redis\":\"ok\"", StringComparison.Ordinal)) return false;
            if (!Verdict.Valid.Is(await caller.Verify(shop.Good[0])) || (await caller.Mint(shop.Good[0])).Status != 200) return false;
        }

        using var client = new Caller(stage.Balancer.Url, NextAddress(), keepsConnections: false);
        return Verdict.Valid.Is(await client.Verify(shop.Good[0]));
    }

    string NextAddress() => $"127.8.{++_asked / 250 % 250}.{(_asked % 250) + 1}";
}
