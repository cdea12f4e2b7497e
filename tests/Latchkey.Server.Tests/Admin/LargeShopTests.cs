using System.Diagnostics;
using Latchkey.Server.Data;
using Latchkey.Server.Tests.Admin.Api;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin;

/// <summary>A hundred thousand licenses, a year of roll-ups and half a million rows of activity: what is looked at daily answers in well under a second.</summary>
public sealed class LargeShopTests
{
    static readonly TimeSpan WellUnderASecond = TimeSpan.FromMilliseconds(500);

    /// <summary>Ten products; every tenth license is suspended or has an end; customers have three licenses each.</summary>
    static readonly string Fill = $"""
        WITH RECURSIVE n(i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
        INSERT INTO customers (id, name, email, created_at) SELECT i, 'Customer ' || i, 'c' || i || '@mail.example', {Now} FROM n;
        WITH RECURSIVE n(i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO licenses (id, product_id, key_hash, key_cipher, key_suffix, user_id, state, max_domains, expires_at, created_at)
        SELECT i, 1 + i % 10, randomblob(32), randomblob(48), upper(substr(hex(randomblob(4)), 1, 4)), 1 + i / 3, CASE i % 10 WHEN 3 THEN 1 ELSE 0 END, 1,
               CASE i % 10 WHEN 7 THEN {Now} + (i % 700 - 300) * 86400000000 END, {Now} FROM n;
        INSERT INTO license_domains (license_id, host, bound_at) SELECT id, 'site' || id || '.example', {Now} FROM licenses;
        INSERT INTO last_seen (license_id, at, address, domain, outcome) SELECT id, {Now}, '203.0.113.7', 'site' || id || '.example', 'OK' FROM licenses;
        WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < 499999)
        INSERT INTO activity (id, license_id, product_id, kind, outcome, domain, address, first_at, last_at, count)
        SELECT i + 1, 1 + i % 100000, 1 + i % 10, 0, CASE i % 20 WHEN 0 THEN 'DOMAIN_MISMATCH' ELSE 'OK' END, 'site' || i % 100000 || '.example', '203.0.113.' || i % 250,
               {Now} - i * 15000000, {Now} - i * 15000000, 3 FROM n;
        WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < 8759), p(id) AS (SELECT id FROM products), o(name) AS (VALUES ('OK'), ('DOMAIN_MISMATCH'), ('LICENSE_EXPIRED'))
        INSERT INTO activity_hours (hour, product_id, kind, outcome, count, bytes) SELECT {Now} - i * 3600000000, p.id, 0, o.name, 100, 0 FROM n, p, o;
        """;

    static long Now => UnixMicroseconds.From(TestServer.Start);

    [Fact]
    public async Task What_the_overview_shows_and_every_kind_of_search_answer_in_well_under_a_second()
    {
        await using var server = await TestServer.Run();
        for (var i = 1; i <= 10; i++) server.AddProduct($"Plugin {i}");
        Tables.Execute(server.Database(), Fill);
        Tables.Execute(server.Database(), "ANALYZE");
        var suffix = Tables.Query<string>(server.Database(), "SELECT key_suffix FROM licenses WHERE id = 77777");
        var tooSlow = new List<string>();
        var client = server.Admin();
        foreach (var (search, found) in (Dictionary<string, int>)new() { [suffix] = 77777, ["site77777.exam"] = 77777, ["https://site77777.example/shop"] = 77777, ["77777"] = 77777, ["c25926@mail"] = 77777, ["Customer 25926"] = 77777 })
        {
            await Look($"search for {search}", async () => Assert.Contains((await client.Get("/licenses?q=" + Uri.EscapeDataString(search))).Ok().Json.GetProperty("items").EnumerateArray(), row => row.GetProperty("id").GetInt64() == found));
        }

        foreach (var path in (string[])["/licenses?state=expired&sort=expires_at", "/licenses?product_id=3&state=active", "/statistics/series?period=hour", "/statistics/series?period=month&from=2025-01-01", "/statistics/outcomes", "/statistics/top-products", "/statistics/licenses", "/statistics/expiring", "/statistics/attention", "/licenses/77777/activity"])
        {
            await Look(path, async () => (await client.Get(path)).Ok());
        }

        Assert.Empty(tooSlow);

        // The better of two: other tests run beside this one.
        async Task Look(string what, Func<Task> look)
        {
            var best = TimeSpan.MaxValue;
            for (var i = 0; i < 3 && (i == 0 || best > WellUnderASecond); i++)
            {
                var began = Stopwatch.GetTimestamp();
                await look();
                best = new[] { best, Stopwatch.GetElapsedTime(began) }.Min();
            }

            if (best > WellUnderASecond) tooSlow.Add($"{what}: {best.TotalMilliseconds:N0} ms");
            TestContext.Current.SendDiagnosticMessage("{0}: {1:N0} ms", what, best.TotalMilliseconds);
        }
    }
}
