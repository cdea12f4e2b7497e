using Latchkey.Server.Activity;
using Latchkey.Server.RateLimits;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Activity;

/// <summary>What happens when there is too much, or the database cannot be written.</summary>
public sealed class ActivityWriteTests
{
    static readonly (string, string) Proxied = ("TrustedProxies", "127.0.0.1");

    static string Address(int i) => $"10.0.{i / 256}.{i % 256}";

    [Fact]
    public async Task No_request_waits_for_a_blocked_writer_and_what_overflows_is_dropped_and_counted_but_the_counts_are_right()
    {
        const int all = 5000;
        await using var server = await TestServer.Run(Proxied);
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey;
        using (server.HoldWriteLock())
        {
            for (var i = 0; i < 100; i++) Assert.Equal(200, (await server.VerifyFrom(Address(i), key, "example.com")).Status);
            server.Clock.Advance(TimeSpan.FromSeconds(1));
            await Parallel.ForAsync(100, all, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
                Assert.Equal(200, (await server.VerifyFrom(Address(i), key, "example.com")).Status));
            await server.WaitForLog("was not written, and will be with the next");
            Assert.Equal(0, server.Sum("SELECT count(*) FROM activity_hours"));
        }

        await server.Counted(all);
        await server.Settle();
        Assert.Equal(all, server.Sum("SELECT sum(count) FROM activity_hours WHERE kind = 0 AND outcome = 'OK' AND product_id = 1"));
        Assert.Equal(4096, server.Sum("SELECT count(*) FROM activity"));
        Assert.Equal(all - 4096, server.Board().Dropped);
        Assert.Equal(all - 4096, server.Sum("SELECT sum(count) FROM activity_hours WHERE kind = 3"));
        Assert.Equal(all - 4096, Dropped(server));
    }

    /// <summary>As the log says, line by line.</summary>
    static long Dropped(TestServer server) => server.Log.Lines
        .Where(line => line.Contains("Details of ", StringComparison.Ordinal))
        .Sum(line => long.Parse(line[(line.IndexOf("Details of ", StringComparison.Ordinal) + 11)..].Split(' ')[0]));

    [Fact]
    public void Strangers_take_no_more_than_a_quarter_of_the_room()
    {
        var gathered = new Gathered(0);
        DetailKey Key(int license, uint address) =>
            new(0, new ActivityNote(ActivityKind.Verify, "X", license, 0, "", new ClientAddress(false, address)));
        for (uint i = 0; i < 5000; i++) Assert.Equal(i < 1024, gathered.TryAdd(Key(0, i), new DetailSum(0, 0, 1, i)));
        Assert.True(gathered.TryAdd(Key(0, 5), new DetailSum(0, 0, 1, 1)));
        for (uint i = 0; i < 5000; i++) Assert.Equal(i < 3072, gathered.TryAdd(Key(1, i), new DetailSum(0, 0, 1, i)));
        Assert.True(gathered.TryAdd(Key(1, 5), new DetailSum(0, 0, 1, 1)));
        Assert.Equal(4096, gathered.Details.Count);
        Assert.Equal(5000 - 1024 + 5000 - 3072, Assert.Single(gathered.Hours).Value.Count);
    }

    [Fact]
    public async Task A_write_that_fails_loses_nothing_and_doubles_nothing()
    {
        await using var server = await TestServer.Run();
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey;
        for (var round = 1; round <= 2; round++)
        {
            using (server.HoldWriteLock())
            {
                for (var i = 0; i < 30; i++) await server.Http.Verify(key, i % 3 == 0 ? "evil.com" : "example.com", 1);
                server.Clock.Advance(TimeSpan.FromSeconds(1));
                await Poll.Until(() => Task.FromResult(Failures(server)), failures => failures >= round);
            }

            await server.Counted(30 * round);
        }

        await server.Settle();
        Assert.Equal(["01 00 1 0 DOMAIN_MISMATCH 20", "01 00 1 0 OK 40"], server.Hours());
        Assert.Equal(["1 1 0 DOMAIN_MISMATCH evil.com 127.0.0.1 20", "1 1 0 OK example.com 127.0.0.1 40"], server.Details());
        Assert.Equal(0, server.Board().Dropped);
    }

    static int Failures(TestServer server) => server.Log.Lines.Count(line => line.Contains("was not written, and will be with the next", StringComparison.Ordinal));

    /// <summary>A trigger stands for whatever the database may have against a row; the batch goes on without it.</summary>
    [Fact]
    public async Task Counts_of_which_the_database_refuses_one_are_written_all_together_later()
    {
        await using var server = await TestServer.Run();
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey;
        Tables.Refuse(server.Database(), "activity_hours", "DOMAIN_MISMATCH");
        for (var i = 0; i < 5; i++) await server.Http.Verify(key, "example.com", 1);
        for (var i = 0; i < 5; i++) await server.Http.Verify(key, "evil.com", 1);
        for (var i = 0; i < 5; i++) await server.Http.Verify("wrong-key-1", "example.com", 1);
        for (var seconds = 1; seconds <= 3; seconds++)
        {
            server.Clock.Advance(TimeSpan.FromSeconds(1));
            await Poll.Until(() => Task.FromResult(Failures(server)), failures => failures >= seconds);
        }

        Tables.AllowAgain(server.Database(), "activity_hours");
        await server.Counted(15);
        await server.Settle();
        Assert.Equal(["01 00 0 0 INVALID_LICENSE 5", "01 00 1 0 DOMAIN_MISMATCH 5", "01 00 1 0 OK 5"], server.Hours());
        Assert.Equal(["0 0 0 INVALID_LICENSE  127.0.0.1 5", "1 1 0 DOMAIN_MISMATCH evil.com 127.0.0.1 5", "1 1 0 OK example.com 127.0.0.1 5"], server.Details());
    }

    [Fact]
    public async Task A_detail_that_the_database_refuses_is_dropped_and_counted_and_takes_nothing_with_it()
    {
        await using var server = await TestServer.Run();
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey;
        Tables.Refuse(server.Database(), "activity", "DOMAIN_MISMATCH");
        for (var i = 0; i < 5; i++) await server.Http.Verify(key, "evil.com", 1);
        for (var i = 0; i < 5; i++) await server.Http.Verify(key, "example.com", 1);
        await server.Counted(10);
        await server.Settle();
        Assert.Equal(["01 00 0 3 DETAIL 5", "01 00 1 0 DOMAIN_MISMATCH 5", "01 00 1 0 OK 5"], server.Hours());
        Assert.Equal(["1 1 0 OK example.com 127.0.0.1 5"], server.Details());
        Assert.Equal(5, server.Board().Dropped);
    }
}
