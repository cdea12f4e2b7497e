using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Activity;

/// <summary>What stands in the tables of what was asked.</summary>
public sealed class ActivityTests
{
    static readonly (string, string) Proxied = ("TrustedProxies", "127.0.0.1");

    [Fact]
    public async Task Requests_count_in_the_hour_in_which_they_came()
    {
        await using var server = await TestServer.Run();
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey;
        server.Clock.Advance(TimeSpan.FromMinutes(60) - TimeSpan.FromMilliseconds(100));
        for (var i = 0; i < 3; i++) await server.Http.Verify(key, "example.com", 1);
        for (var i = 0; i < 2; i++) await server.Http.Verify(key, "evil.com", 1);
        server.Clock.Advance(TimeSpan.FromMilliseconds(100));
        for (var i = 0; i < 4; i++) await server.Http.Verify(key, "example.com", 1);
        await server.Http.Verify(key, "evil.com", 1);
        await server.Counted(10);
        Assert.Equal(["01 00 1 0 DOMAIN_MISMATCH 2", "01 00 1 0 OK 3", "01 01 1 0 DOMAIN_MISMATCH 1", "01 01 1 0 OK 4"], server.Hours());
    }

    [Fact]
    public async Task Ten_thousand_mixed_requests_are_counted_exactly()
    {
        await using var server = await TestServer.Run();
        server.AddProduct();
        server.Publish(1, "content"u8.ToArray());
        var key = server.Issue(1, "example.com").LicenseKey;
        Func<Task<Reply>>[] kinds =
        [
            () => server.Http.Verify(key, "example.com", 1), () => server.Http.Verify(key, "evil.com", 1), () => server.Http.Verify("wrong-key-1", "example.com", 1),
            () => server.Http.Verify(key, null, 1), () => server.Http.Mint(key, "example.com", 1),
        ];
        using var done = new CancellationTokenSource();
        var clock = Task.Run(async () =>
        {
            for (; !done.IsCancellationRequested; await Task.Delay(5)) server.Clock.Advance(TimeSpan.FromMilliseconds(500));
        });
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            for (var i = 0; i < 500; i++) await kinds[i % kinds.Length]();
        }));
        await done.CancelAsync();
        await clock;
        await server.Counted(10_000);
        await server.Settle();
        Assert.Equal(
            ["0 0 INVALID_LICENSE 2000", "0 0 MISSING_DOMAIN 2000", "1 0 DOMAIN_MISMATCH 2000", "1 0 OK 2000", "1 1 OK 2000"],
            server.Rows("SELECT product_id, kind, outcome, sum(count) FROM activity_hours GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"));
        Assert.Equal(
            ["0 0 INVALID_LICENSE 2000", "1 0 DOMAIN_MISMATCH 2000", "1 0 OK 2000", "1 1 OK 2000"],
            server.Rows("SELECT license_id, kind, outcome, sum(count) FROM activity GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"));
        Assert.Equal(0, server.Board().Dropped);
    }

    [Fact]
    public async Task The_same_is_one_row_of_the_day_if_verified_and_of_the_hour_if_refused()
    {
        await using var server = await TestServer.Run();
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey;
        for (var i = 0; i < 4; i++)
        {
            await server.Http.Verify(key, "example.com", 1);
            await server.Http.Verify(key, "evil.com", 1);
            await server.Counted((2 * i) + 2);
            server.Clock.Advance(TimeSpan.FromMinutes(29));
        }

        Assert.Equal(["DOMAIN_MISMATCH 3", "DOMAIN_MISMATCH 1", "OK 4"], server.Rows("SELECT outcome, count FROM activity ORDER BY outcome, first_at"));
        server.Clock.Advance(TimeSpan.FromHours(24));
        await server.Http.Verify(key, "example.com", 1);
        await server.Counted(9);
        await server.Settle();
        Assert.Equal(["1 4", "2 1"], server.Rows("SELECT CAST(strftime('%d', last_at / 1000000, 'unixepoch') AS int), count FROM activity WHERE outcome = 'OK' ORDER BY first_at"));
        Assert.Equal("01 00:00 01:27", server.Rows("SELECT strftime('%d %H:%M', min(first_at) / 1000000, 'unixepoch'), strftime('%H:%M', min(last_at) / 1000000, 'unixepoch') FROM activity WHERE outcome = 'OK'")[0]);
    }

    [Fact]
    public async Task Another_address_domain_kind_or_outcome_is_another_row()
    {
        await using var server = await TestServer.Run(Proxied);
        server.AddProduct(bindOnFirstUse: false);
        server.Publish(1, "content"u8.ToArray());
        var key = server.Operate(l => l.Issue(new IssueLicense(1, ["*.example.com"]))).LicenseKey;
        await server.VerifyFrom("203.0.113.1", key, "a.example.com");
        await server.VerifyFrom("203.0.113.2", key, "a.example.com");
        await server.VerifyFrom("2001:db8:0:1::1", key, "a.example.com");
        await server.VerifyFrom("2001:db8:0:1::2", key, "a.example.com");
        await server.VerifyFrom("203.0.113.1", key, "b.example.com");
        await server.VerifyFrom("203.0.113.1", key, "c.com");
        await server.Http.Mint(key, "a.example.com", 1);
        await server.Counted(7);
        Assert.Equal(
            [
                "1 1 0 DOMAIN_MISMATCH c.com 203.0.113.1 1", "1 1 0 OK a.example.com 2001:db8:0:1::/64 2", "1 1 0 OK a.example.com 203.0.113.1 1",
                "1 1 0 OK a.example.com 203.0.113.2 1", "1 1 0 OK b.example.com 203.0.113.1 1", "1 1 1 OK a.example.com 127.0.0.1 1",
            ],
            server.Details());
    }

    [Fact]
    public async Task A_key_that_nobody_has_makes_no_row_per_domain_and_counts_for_no_product()
    {
        await using var server = await TestServer.Run();
        server.AddProduct();
        for (var i = 0; i < 20; i++) await server.Http.Verify($"wrong-key-{i}", $"d{i}.example.com", i + 1);
        await server.Http.Get("/api/license/download-file/" + new string('a', 64));
        await server.Counted(21);
        Assert.Equal(["0 0 0 INVALID_LICENSE  127.0.0.1 20", "0 0 2 INVALID_DOWNLOAD_TOKEN  127.0.0.1 1"], server.Details());
        Assert.Equal(["01 00 0 0 INVALID_LICENSE 20", "01 00 0 2 INVALID_DOWNLOAD_TOKEN 1"], server.Hours());
    }

    [Fact]
    public async Task What_is_limited_or_cannot_be_read_is_counted_without_details()
    {
        await using var server = await TestServer.Run(("RateLimit:RequestsPerMinute", "3"));
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey;
        await server.Http.Verify(key, null, 1);
        await server.Http.Mint(null, "example.com", 1);
        await server.Http.Read(new HttpRequestMessage(HttpMethod.Delete, Ask.VerifyPath));
        for (var i = 0; i < 4; i++) await server.Http.Verify(key, "example.com", 1);
        await server.Http.Mint(key, "example.com", 1);
        await server.Counted(8);
        Assert.Equal(
            ["01 00 0 0 METHOD_NOT_ALLOWED 1", "01 00 0 0 MISSING_DOMAIN 1", "01 00 0 0 RATE_LIMITED 4", "01 00 0 1 MISSING_AUTHORIZATION 1", "01 00 0 1 RATE_LIMITED 1"],
            server.Hours());
        Assert.Empty(server.Details());
    }

    [Fact]
    public async Task Keys_and_tokens_are_in_none_of_the_tables()
    {
        const string key = "my-own-key-0123456789";
        await using var server = await TestServer.Run();
        server.AddProduct(bindOnFirstUse: false);
        server.Publish(1, "content"u8.ToArray());
        server.Operate(l => l.Issue(new IssueLicense(1, ["example.com"], Key: key)));
        Assert.Equal("DOMAIN_MISMATCH", (await server.Http.Verify(key, key, 1)).Code);
        Assert.Equal("DOMAIN_MISMATCH", (await server.Http.Mint(key, key.ToUpperInvariant(), 1)).Code);
        await server.Http.Verify("another-key-0123456", "another-key-0123456", 1);
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        await server.Http.Get(path);
        await server.Http.Get(path);
        await server.Http.Get("/api/license/download-file/" + new string('b', 64));
        await server.Counted(7);
        var all = string.Join('\n', [.. server.Rows("SELECT * FROM activity"), .. server.Rows("SELECT * FROM activity_hours"), .. server.Rows("SELECT * FROM last_seen")]);
        Assert.Contains("example.com", all, StringComparison.Ordinal);
        Assert.DoesNotContain(key, all, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("another-key", all, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(path.Split('/')[^1], all, StringComparison.Ordinal);
        Assert.DoesNotContain("bbbb", all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stop_writes_what_has_gathered()
    {
        var directory = TempDirectory.Make();
        var server = await TestServer.Run(directory, null);
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey;
        for (var i = 0; i < 5; i++) await server.Http.Verify(key, "example.com", 1);
        await server.Stop();
        await using var again = await TestServer.Run(directory, server.Clock);
        Assert.Equal(["01 00 1 0 OK 5"], again.Hours());
        Assert.Equal(["1 1 0 OK example.com 127.0.0.1 5"], again.Details());
    }
}
