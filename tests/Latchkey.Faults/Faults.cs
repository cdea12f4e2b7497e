namespace Latchkey.Faults;

/// <summary>All of them, those of Redis at the end, so that there are whole minutes with it.</summary>
static class Faults
{
    public static List<Fault> Of(Stage stage, bool isShort)
    {
        TimeSpan Seconds(int briefly, int longer) => TimeSpan.FromSeconds(isShort ? briefly : longer);
        var all = new List<Fault>();
        foreach (var node in stage.Nodes) all.Add(new Fault($"node {node.Number} killed", hold => Kill(node, hold), Seconds(1, 3)) { Interrupts = true, Stops = true });
        all.AddRange(
        [
            new("PostgreSQL restarted", _ => Restart(stage.Database, TimeSpan.Zero), TimeSpan.Zero) { Stops = true },
            new("PostgreSQL stopped", hold => Restart(stage.Database, hold), Seconds(5, 20)) { Stops = true },
            new("PostgreSQL frozen", hold => Freeze(stage.Database.Freeze, stage.Database.Thaw, hold), Seconds(4, 8)) { Stops = true },
            new("database network +300 ms", hold => On(Databases(stage), line => line.Delay(300), hold), Seconds(4, 15)) { Stops = true },
            new("database network cut", hold => On(Databases(stage), line => line.Cut(), hold), Seconds(3, 8)) { Stops = true },
            new("database network swallows", hold => On(Databases(stage), line => line.Swallow(), hold), Seconds(4, 8)) { Stops = true },
            new("database cut from node 2", hold => On([stage.Nodes[1].Database], line => line.Cut(), hold), Seconds(4, 8)) { Stops = true },
            new("nodes replaced in turn", _ => Roll(stage), TimeSpan.Zero),
            new("Redis restarted", hold => Restart(stage.Redis, hold), Seconds(2, 8)) { IsOfRedis = true },
            new("Redis frozen", hold => Freeze(stage.Redis.Freeze, stage.Redis.Thaw, hold), Seconds(2, 8)) { IsOfRedis = true },
            new("Redis network +300 ms", hold => On(Redises(stage), line => line.Delay(300), hold), Seconds(3, 8)) { IsOfRedis = true },
            new("Redis network cut", hold => On(Redises(stage), line => line.Cut(), hold), Seconds(2, 8)) { IsOfRedis = true },
            new("Redis network swallows", hold => On(Redises(stage), line => line.Swallow(), hold), Seconds(3, 8)) { IsOfRedis = true },
            new("Redis cut from node 1", hold => On([stage.Nodes[0].Redis], line => line.Cut(), hold), Seconds(2, 8)) { IsOfRedis = true },
        ]);
        return all;
    }

    static IEnumerable<Line> Databases(Stage stage) => stage.Nodes.Select(node => node.Database);

    static IEnumerable<Line> Redises(Stage stage) => stage.Nodes.Select(node => node.Redis);

    static async Task Kill(Node node, TimeSpan hold)
    {
        node.IsAway = true;
        await node.Kill();
        await Task.Delay(hold);
        node.Start();
    }

    static async Task Restart(PostgreSql database, TimeSpan hold)
    {
        await database.Stop();
        await Task.Delay(hold);
        await database.Start();
    }

    static async Task Restart(Redis redis, TimeSpan hold)
    {
        await redis.Stop();
        await Task.Delay(hold);
        await redis.Start();
    }

    static async Task Freeze(Action freeze, Action thaw, TimeSpan hold)
    {
        freeze();
        await Task.Delay(hold);
        thaw();
    }

    static async Task On(IEnumerable<Line> lines, Action<Line> strike, TimeSpan hold)
    {
        var all = lines.ToList();
        all.ForEach(strike);
        await Task.Delay(hold);
        all.ForEach(line => line.Restore());
    }

    /// <summary>As an upgrade does it: one after the other, each when the balancer has seen that the one before is back.</summary>
    static async Task Roll(Stage stage)
    {
        foreach (var node in stage.Nodes)
        {
            node.IsAway = true;
            await node.Retire();
            node.Start();
            using var caller = new Caller(node.Url, "127.9.0.1", keepsConnections: false);
            for (var tries = 0; (await caller.Get("/readyz")).Status != 200 && tries < 300; tries++) await Task.Delay(100);
            node.IsAway = false;
            await Task.Delay(TimeSpan.FromSeconds(2));
        }
    }
}
