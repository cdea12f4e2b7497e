using System.Net;
using Latchkey.Server.RateLimits;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.RateLimits;

public sealed class RateLimitTests
{
    static Task<TestServer> Limited(params (string, string)[] more) =>
        TestServer.Run([("RateLimit:RequestsPerMinute", "60"), ("RateLimit:FailuresPerMinute", "20"), .. more]);

    static async Task<(TestServer Server, string Key)> WithLicense(params (string, string)[] more)
    {
        var server = await Limited(more);
        return (server, server.Issue(server.AddProduct().Id, "example.com").LicenseKey!);
    }

    [Fact]
    public async Task Sixty_requests_are_answered_and_the_next_is_429_with_every_header()
    {
        var (server, key) = await WithLicense();
        await using var _ = server;
        for (var left = 59; left >= 0; left--)
        {
            var reply = await server.Http.Verify(key, "example.com", 1);
            Assert.Equal(200, reply.Status);
            Assert.Equal("60", reply.Header("X-RateLimit-Limit"));
            Assert.Equal(left.ToString(), reply.Header("X-RateLimit-Remaining"));
            Assert.Equal((TestServer.Start.ToUnixTimeSeconds() + 60).ToString(), reply.Header("X-RateLimit-Reset"));
            Assert.Equal("\"ip\";q=60;w=60", reply.Header("RateLimit-Policy"));
            Assert.Equal($"\"ip\";r={left};t=60", reply.Header("RateLimit"));
            Assert.Null(reply.Header("Retry-After"));
        }

        var refused = await server.Http.Verify(key, "example.com", 1);
        Assert.Equal((429, "RATE_LIMITED"), (refused.Status, refused.Code));
        Assert.Equal("{\"success\":false,\"message\":\"Too many requests\",\"error_code\":\"RATE_LIMITED\"}", refused.Text);
        Assert.Equal("0", refused.Header("X-RateLimit-Remaining"));
        Assert.Equal("60", refused.Header("Retry-After"));
    }

    /// <summary>60 late in one minute and 60 early in the next would pass a fixed window.</summary>
    [Fact]
    public async Task The_window_slides()
    {
        var (server, key) = await WithLicense();
        await using var _ = server;
        async Task<int> Allowed(int requests)
        {
            var count = 0;
            for (var i = 0; i < requests; i++) count += (await server.Http.Verify(key, "example.com", 1)).Status == 200 ? 1 : 0;
            return count;
        }

        server.Clock.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(60, await Allowed(61));
        server.Clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(0, await Allowed(5));
        Assert.Equal("40", (await server.Http.Verify(key, "example.com", 1)).Header("Retry-After"));
        server.Clock.Advance(TimeSpan.FromMilliseconds(39_999));
        Assert.Equal("1", (await server.Http.Verify(key, "example.com", 1)).Header("Retry-After"));
        server.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(60, await Allowed(70));
    }

    [Fact]
    public async Task Verify_mint_head_refusals_and_wrong_methods_count_together_and_downloads_do_not()
    {
        var (server, key) = await WithLicense(("RateLimit:FailuresPerMinute", "0"));
        await using var _ = server;
        server.Publish(1, [1]);
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        await server.Http.Verify(key, "example.com", 1);
        await server.Http.Read(Ask.Request(HttpMethod.Head, Ask.VerifyPath, key, "example.com", 1));
        await server.Http.Verify("wrong-key-1", "example.com", 1);
        await server.Http.Verify(null, null, null);
        var wrongMethod = await server.Http.Read(Ask.Request(HttpMethod.Delete, Ask.MintPath, key, "example.com", 1));
        Assert.Equal("54", wrongMethod.Header("X-RateLimit-Remaining"));
        var file = await server.Http.Get(path);
        Assert.Equal(200, file.Status);
        Assert.Null(file.Header("X-RateLimit-Limit"));
        Assert.Equal("53", (await server.Http.Verify(key, "example.com", 1)).Header("X-RateLimit-Remaining"));
    }

    [Fact]
    public async Task A_thousand_different_wrong_keys_are_throttled_and_so_is_the_right_one_then()
    {
        var (server, key) = await WithLicense(("RateLimit:RequestsPerMinute", "5000"));
        await using var _ = server;
        var codes = new List<string?>();
        for (var i = 0; i < 1000; i++) codes.Add((await server.Http.Verify($"PLUG_GUESS{i:D10}", "example.com", 1)).Code);
        Assert.Equal(20, codes.Count(code => code == "INVALID_LICENSE"));
        Assert.Equal(980, codes.Count(code => code == "RATE_LIMITED"));
        var right = await server.Http.Verify(key, "example.com", 1);
        Assert.Equal((429, "0", "60"), (right.Status, right.Header("X-RateLimit-Remaining"), right.Header("Retry-After")));
        server.Clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(200, (await server.Http.Verify(key, "example.com", 1)).Status);
    }

    [Fact]
    public async Task A_forged_forwarded_address_from_a_peer_that_is_not_listed_means_nothing()
    {
        var (server, key) = await WithLicense(("TrustedProxies:0", "10.1.2.3"));
        await using var _ = server;
        var statuses = await Task.WhenAll(Enumerable.Range(0, 10_000).Select(async i =>
        {
            var request = Ask.Request(HttpMethod.Get, Ask.VerifyPath, key, "example.com", 1);
            request.Headers.Add("X-Forwarded-For", $"{i % 256}.{i / 256}.7.9");
            return (await server.Http.Read(request)).Status;
        }));
        Assert.Equal(60, statuses.Count(status => status == 200));
    }

    static async Task<int> Accepted(TestServer server, string key, IEnumerable<string> forwarded)
    {
        var statuses = await Task.WhenAll(forwarded.Select(async address =>
        {
            var request = Ask.Request(HttpMethod.Get, Ask.VerifyPath, key, "example.com", 1);
            request.Headers.Add("X-Forwarded-For", address);
            return (await server.Http.Read(request)).Status;
        }));
        return statuses.Count(status => status == 200);
    }

    [Fact]
    public async Task A_listed_proxy_is_believed_and_each_of_its_clients_counts_alone()
    {
        var (server, key) = await WithLicense(("TrustedProxies:0", "127.0.0.0/8"));
        await using var _ = server;
        Assert.Equal(60, await Accepted(server, key, Enumerable.Repeat("203.0.113.7", 70)));
        Assert.Equal(60, await Accepted(server, key, Enumerable.Repeat("203.0.113.8", 70)));

        // What the client itself wrote in front of the proxy's own entry does not count.
        Assert.Equal(0, await Accepted(server, key, Enumerable.Range(0, 70).Select(i => $"198.51.100.{i}, 203.0.113.7")));

        // Through two listed proxies the address before both counts.
        Assert.Equal(0, await Accepted(server, key, Enumerable.Repeat("203.0.113.8, 127.0.0.9", 5)));
    }

    [Fact]
    public async Task IPv6_counts_per_64_and_a_mapped_address_is_its_IPv4()
    {
        var (server, key) = await WithLicense(("TrustedProxies:0", "127.0.0.1"));
        await using var _ = server;
        Assert.Equal(60, await Accepted(server, key, Enumerable.Range(0, 10_000).Select(i => $"2001:db8:1:2:{i / 256:x}:{i % 256:x}:aa:{i:x}")));
        Assert.Equal(60, await Accepted(server, key, Enumerable.Range(0, 70).Select(i => $"2001:db8:1:3::{i:x}")));
        Assert.Equal(60, await Accepted(server, key, Enumerable.Range(0, 70).Select(i => i % 2 == 0 ? "203.0.113.9" : "::ffff:203.0.113.9")));
    }

    [Fact]
    public async Task Zero_turns_a_limit_and_its_headers_off()
    {
        await using var server = await TestServer.Run();
        var reply = await server.Http.Verify("wrong-key-1", "example.com", 1);
        Assert.Null(reply.Header("X-RateLimit-Limit"));
        Assert.Null(reply.Header("RateLimit"));
    }

    /// <remarks>Memory is the whole process's, other tests' included: the bounds leave room for them.</remarks>
    [Fact]
    public void A_million_addresses_leave_memory_bounded_and_are_forgotten()
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var budget = new Budget<ClientAddress>(60, clock);
        var before = GC.GetTotalMemory(true);
        for (var i = 0; i < 1_000_000; i++) budget.Take(ClientAddress.Of(new IPAddress(BitConverter.GetBytes(i))));
        Assert.InRange(budget.Clients, 1, Budget<ClientAddress>.Capacity);
        Assert.InRange(GC.GetTotalMemory(true) - before, long.MinValue, 300_000_000);
        clock.Advance(TimeSpan.FromMinutes(2));
        for (var i = 0; i < 10_000; i++) budget.Take(ClientAddress.Of(new IPAddress(BitConverter.GetBytes(i))));
        Assert.InRange(budget.Clients, 1, 10_000);
        Assert.InRange(GC.GetTotalMemory(true) - before, long.MinValue, 150_000_000);
    }

    [Fact]
    public async Task The_server_forgets_addresses_that_come_no_more_though_nobody_else_comes()
    {
        await using var server = await TestServer.Run(("RateLimit:RequestsPerMinute", "60"), ("RateLimit:FailuresPerMinute", "20"), ("TrustedProxies:0", "127.0.0.1"), ("Redis:ConnectionString", ""));
        var limiter = server.Services.GetRequiredService<RateLimiter>();
        await Accepted(server, "WRONG", Enumerable.Range(0, 300).Select(i => $"198.51.{i / 250}.{i % 250}"));
        Assert.Equal(600, limiter.Clients);
        await Poll.Until(
            () =>
            {
                server.Clock.Advance(TimeSpan.FromMinutes(1));
                return Task.FromResult(limiter.Clients);
            },
            left => left == 0);
    }
}
