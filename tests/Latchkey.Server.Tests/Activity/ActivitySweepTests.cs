using Latchkey.Server.Data;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Activity;

public sealed class ActivitySweepTests
{
    /// <summary>Details and an hour of so many days ago.</summary>
    static void Insert(TestServer server, int days, int rows)
    {
        var at = UnixMicroseconds.From(TestServer.Start.AddDays(-days));
        Tables.Execute(server.Database(), $"""
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows - 1})
            INSERT INTO activity SELECT {days} * 10000 + i, 1, 1, 0, 'OK', 'd' || i, '127.0.0.1', {at}, {at}, 1 FROM n
            """);
        Tables.Execute(server.Database(), $"INSERT INTO activity_hours VALUES ({at}, 1, 0, 'OK', {rows}, 0)");
    }

    static async Task<string[]> SweptBy(int kept, params (string, string)[] settings)
    {
        await using var server = await TestServer.Run(settings);
        foreach (var (days, rows) in new[] { (0, 3), (1, 4), (89, 5), (90, 2500), (91, 6), (1000, 7) }) Insert(server, days, rows);
        server.Clock.Advance(TimeSpan.FromMinutes(59));
        await Task.Delay(100);
        Assert.Equal(2525, server.Sum("SELECT count(*) FROM activity"));
        server.Clock.Advance(TimeSpan.FromMinutes(2));
        await Poll.Until(() => Task.FromResult(server.Sum("SELECT count(*) FROM activity")), rows => rows <= kept);
        await Task.Delay(200);
        Assert.Equal(2525, server.Sum("SELECT sum(count) FROM activity_hours"));
        Assert.Equal(6, server.Sum("SELECT count(*) FROM activity_hours"));
        return server.Rows("SELECT id / 10000, count(*) FROM activity GROUP BY 1 ORDER BY 1");
    }

    [Fact]
    public async Task Details_are_forgotten_after_90_days_and_the_counts_never() =>
        Assert.Equal(["0 3", "1 4", "89 5"], await SweptBy(12));

    [Fact]
    public async Task Details_are_kept_for_as_long_as_the_setting_says()
    {
        Assert.Equal(["0 3"], await SweptBy(3, ("Activity:KeepDays", "1")));
        Assert.Equal(["0 3", "1 4", "89 5", "90 2500", "91 6"], await SweptBy(2518, ("Activity:KeepDays", "100")));
    }
}
