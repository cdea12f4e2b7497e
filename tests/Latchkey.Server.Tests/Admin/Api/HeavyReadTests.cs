using System.Net;
using System.Net.Sockets;
using System.Text;
using Latchkey.Server.Data;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>What looks at many rows does not stand in the way of those who verify, nor of the database's log.</summary>
public sealed class HeavyReadTests
{
    [Fact]
    public async Task However_many_search_a_few_run_at_a_time_the_rest_waits_and_customers_are_served_meanwhile()
    {
        await using var server = await Operations.Shop(("Admin:RequestsPerMinute", "0"));
        var key = server.Issue(1, "shop.example").LicenseKey;
        var client = server.Admin();
        using var end = new ManualResetEventSlim();
        var gate = server.Services.GetRequiredService<ReadGates>().Api;
        var slow = Enumerable.Range(0, ReadGates.AtOnce).Select(_ => gate.Run(() => { end.Wait(TestContext.Current.CancellationToken); return 0; })).ToList();
        string[] paths = ["/licenses?q=x", "/audit?q=x", "/customers?q=x", "/statistics/outcomes", "/licenses/export", "/licenses/1/activity", "/download-tokens"];
        var waiting = Enumerable.Range(0, ReadGate.MostWaiting + 30).Select(i => client.Get(paths[i % paths.Length])).ToList();

        // One after the other, they would be through in moments: some are told that too many wait, none is answered.
        var refused = await Task.WhenAny(waiting);
        Assert.Equal((503, "SERVICE_UNAVAILABLE"), ((await refused).Status, (await refused).Code));
        Assert.NotNull((await refused).Header("Retry-After"));
        for (var i = 0; i < 50; i++) Assert.Equal(200, (await server.Http.Verify(key, "shop.example", 1)).Status);
        (await client.Get("/licenses/1")).Ok();
        (await client.Post("/licenses/1/suspend")).Ok();
        foreach (var answered in waiting.Where(answer => answer.IsCompleted)) Assert.Equal(503, (await answered).Status);
        end.Set();
        await Task.WhenAll(slow);
        var replies = await Task.WhenAll(waiting);
        Assert.Contains(replies, reply => reply.Status == 200);
        Assert.All(replies, reply => Assert.Contains(reply.Status, new[] { 200, 503 }));
        (await client.Get("/licenses?q=x")).Ok();
    }

    [Fact]
    [Trait("Database", "Sqlite")]
    public async Task An_export_that_nobody_takes_holds_no_view_of_the_database()
    {
        await using var server = await Operations.Shop();
        Tables.Execute(server.Database(), """
            INSERT INTO audit (at, actor_kind, actor_name, action, object_kind, after)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
            SELECT 0, 0, 'somebody', 'test.fill', 'test', printf('{"filler":"%0400d"}', i) FROM n
            """);
        using var slow = new TcpClient { ReceiveBufferSize = 4096 };
        await slow.ConnectAsync(IPAddress.Loopback, server.Port);
        var stream = slow.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /api/admin/audit/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.Admin().Key}\r\n\r\n"));
        await stream.ReadExactlyAsync(new byte[4096]);

        // The whole log can be put into the database and emptied, which a reader in the middle would forbid.
        await Poll.Until(() =>
        {
            server.AddProduct("More");
            return Task.FromResult(Tables.Query<long>(server.Database(), "PRAGMA wal_checkpoint(TRUNCATE)"));
        }, busy => busy == 0);
        slow.Client.LingerState = new LingerOption(true, 0);
    }

    [Fact]
    public async Task A_search_ends_when_the_client_goes()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();

        // A search of half a minute, if it was let run to its end.
        Tables.Execute(server.Database(), """
            INSERT INTO customers (id, created_at, name, email, reference)
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) SELECT 1000 + i, 0, printf('%0600d', i), printf('%0600d', i), printf('%0600d', i) FROM n
            """);
        for (var i = 0; i < ReadGates.AtOnce + 2; i++)
        {
            using var gone = new CancellationTokenSource(TimeSpan.FromMilliseconds(300 * i));
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/admin/customers?q={new string('0', 300)}x");
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {client.Key}");
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.Http.SendAsync(request, gone.Token));
        }

        Assert.Contains(123, (await client.Get("/customers?sort=id&limit=1")).Ids());
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("nobody foresaw", StringComparison.Ordinal));
    }
}
