using System.Diagnostics;
using Latchkey.Server.Tests.Admin.Api;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.RateLimits;

/// <summary>Limits over several nodes: as many requests as one node would let through, and each node for itself while Redis is away.</summary>
public sealed class SharedLimitTests : IDisposable
{
    readonly RedisServer _redis = new();

    public void Dispose() => _redis.Dispose();

    sealed record Node(TestServer Server, string Key) : IAsyncDisposable
    {
        public Task<Reply> Verify() => Server.Http.Verify(Key, "example.com", 1);
        public bool IsPerNode => Server.Data.LimitsHealth.PerNodeSince is not null;
        public ValueTask DisposeAsync() => Server.DisposeAsync();
    }

    async Task<Node[]> Nodes(int count, string requests = "60", string failures = "20", string timeout = "00:00:05")
    {
        var settings = _redis.Settings().Where(setting => setting.Name != "Redis:Timeout").Append(("Redis:Timeout", timeout));
        var nodes = new List<Node>();
        for (var i = 0; i < count; i++)
        {
            var server = await TestServer.Run([("RateLimit:RequestsPerMinute", requests), ("RateLimit:FailuresPerMinute", failures), .. settings]);
            nodes.Add(new Node(server, server.Issue(server.AddProduct().Id, "example.com").LicenseKey!));
        }

        return [.. nodes];
    }

    static async Task Each(IEnumerable<Node> nodes)
    {
        foreach (var node in nodes) await node.DisposeAsync();
    }

    [Theory]
    [InlineData("60", 60)]
    [InlineData("500", 500)]
    public async Task Three_nodes_under_load_let_through_exactly_the_limit(string requests, int limit)
    {
        var nodes = await Nodes(3, requests);
        var replies = await Task.WhenAll(Enumerable.Range(0, limit * 2).Select(i => nodes[i % 3].Verify()));
        Assert.Equal(limit, replies.Count(reply => reply.Status == 200));
        Assert.Equal(limit, replies.Count(reply => reply.Status == 429));
        Assert.Equal(Enumerable.Range(0, limit), replies.Where(reply => reply.Status == 200).Select(reply => int.Parse(reply.Header("X-RateLimit-Remaining")!)).Order());
        foreach (var node in nodes) node.Server.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(200, (await nodes[1].Verify()).Status);
        await Each(nodes);
    }

    [Fact]
    public async Task Who_guesses_at_one_node_is_stopped_at_every_node()
    {
        var nodes = await Nodes(2);
        for (var i = 0; i < 20; i++) await nodes[0].Server.Http.Verify($"wrong-key-{i}", "example.com", 1);
        var refused = await nodes[1].Verify();
        Assert.Equal(429, refused.Status);
        Assert.Equal("60", refused.Header("Retry-After"));
        await Each(nodes);
    }

    [Theory]
    [InlineData("killed")]
    [InlineData("frozen")]
    [InlineData("full")]
    public async Task Without_Redis_each_node_counts_for_itself_says_so_once_and_returns(string how)
    {
        var nodes = await Nodes(2, requests: "1000000", timeout: "00:00:00.09");
        Assert.Equal(200, (await nodes[0].Verify()).Status);

        // From the first wrong key on, a script's first write is one that a full Redis refuses.
        Assert.Equal(401, (await nodes[0].Server.Http.Verify("wrong-key", "example.com", 1)).Status);
        if (how == "killed") _redis.Kill();
        else if (how == "full") _redis.Configure("maxmemory", "1");
        else _redis.Signal("STOP");

        // Concurrency is what a busy machine can still time.
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < 200; i++)
        {
            var began = Stopwatch.GetTimestamp();
            Assert.Equal(200, (await nodes[i % 2].Verify()).Status);
            slowest = Stopwatch.GetElapsedTime(began) > slowest ? Stopwatch.GetElapsedTime(began) : slowest;
        }

        // The one that was guessed at counts for itself, and the other knows nothing of it.
        for (var i = 0; i < 20; i++) await nodes[0].Server.Http.Verify($"wrong-key-{i}", "example.com", 1);
        Assert.Equal((429, 200), ((await nodes[0].Verify()).Status, (await nodes[1].Verify()).Status));
        Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.All(nodes, node => Assert.True(node.IsPerNode));
        Assert.Contains("limits_per_node", (await nodes[0].Server.Admin().Get("/statistics/attention")).Ok().Text);
        Assert.All(nodes, node => Assert.Equal(1, node.Server.Log.Lines.Count(line => line.Contains("counts limits for itself", StringComparison.Ordinal))));
        if (how == "full") Assert.Contains(nodes[0].Server.Log.Lines, line => line.Contains("it takes no writes at 127.0.0.1", StringComparison.Ordinal));
        if (how == "killed") _redis.Start();
        else if (how == "full") _redis.Configure("maxmemory", "0");
        else _redis.Signal("CONT");
        await Poll.Until(() => Task.FromResult(nodes.Count(node => node.IsPerNode)), count => count == 0);
        Assert.Contains(nodes[0].Server.Log.Lines, line => line.Contains("Redis is there again", StringComparison.Ordinal));
        Assert.DoesNotContain("limits_per_node", (await nodes[0].Server.Admin().Get("/statistics/attention")).Ok().Text);
        await Each(nodes);
    }

    [Fact]
    public async Task When_Redis_goes_a_node_goes_on_from_what_it_last_heard_of_all_nodes()
    {
        var nodes = await Nodes(2, requests: "10");
        for (var i = 0; i < 8; i++) Assert.Equal(200, (await nodes[i / 4].Verify()).Status);
        _redis.Kill();
        foreach (var status in (int[])[200, 200, 429]) Assert.Equal(status, (await nodes[1].Verify()).Status);
        nodes[1].Server.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(200, (await nodes[1].Verify()).Status);
        await Each(nodes);
    }

    [Fact]
    public async Task A_server_starts_without_Redis()
    {
        _redis.Kill();
        var nodes = await Nodes(1, requests: "2", timeout: "00:00:00.09");
        foreach (var status in (int[])[200, 200, 429]) Assert.Equal(status, (await nodes[0].Verify()).Status);
        await Each(nodes);
    }
}
