using System.Net;
using Latchkey.Server.Configuration;
using Latchkey.Server.Http;
using Latchkey.Server.RateLimits;
using Microsoft.Extensions.Time.Testing;

namespace Latchkey.Server.Tests.RateLimits;

/// <summary>Two budgets, one answer; over HTTP in <see cref="RateLimitTests"/>, over several nodes in <see cref="SharedLimitTests"/>.</summary>
public sealed class RateLimiterTests
{
    readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, 1, TimeSpan.Zero));

    static DefaultHttpContext From(string address)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        return context;
    }

    static async Task<(Refusal? Refused, string Headers)> Ask(RateLimiter limiter, string address = "203.0.113.7")
    {
        var context = From(address);
        var refused = await limiter.Admit(context);
        var headers = context.Response.Headers;
        return (refused, $"{headers["X-RateLimit-Limit"]} {headers["X-RateLimit-Remaining"]} {headers["X-RateLimit-Reset"]} {headers["RateLimit-Policy"]} {headers["RateLimit"]} {headers.RetryAfter}");
    }

    RateLimiter Limiter(int requests, int failures) => new(new RateLimitSettings(requests, failures), null, _clock);

    /// <summary>The clock stands at 00:00:00.001: all is free a moment after 00:01:00, which is 00:01:01 in whole seconds.</summary>
    [Fact]
    public async Task Counts_and_tells()
    {
        var limiter = Limiter(2, 2);
        Assert.Equal((null, "2 1 1767225661 \"ip\";q=2;w=60 \"ip\";r=1;t=60 "), await Ask(limiter));
        _clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal((null, "2 0 1767225661 \"ip\";q=2;w=60 \"ip\";r=0;t=60 "), await Ask(limiter));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal((Wire.RateLimited, "2 0 1767225661 \"ip\";q=2;w=60 \"ip\";r=0;t=60 59"), await Ask(limiter));
        _clock.Advance(TimeSpan.FromMilliseconds(58_999));
        Assert.Equal((Wire.RateLimited, "2 0 1767225661 \"ip\";q=2;w=60 \"ip\";r=0;t=1 1"), await Ask(limiter));
        Assert.Null((await Ask(limiter, "203.0.113.8")).Refused);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null((await Ask(limiter)).Refused);
    }

    [Fact]
    public async Task Who_guesses_waits_and_is_not_counted_meanwhile()
    {
        var limiter = Limiter(3, 1);
        await Ask(limiter);
        await limiter.CountFailure(From("203.0.113.7"));
        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal((Wire.TooManyWrongKeys, "3 0 1767225661 \"ip\";q=3;w=60 \"ip\";r=0;t=40 40"), await Ask(limiter));
        Assert.Null((await Ask(limiter, "203.0.113.8")).Refused);
        _clock.Advance(TimeSpan.FromSeconds(40));
        Assert.Equal((null, "3 2 1767225721 \"ip\";q=3;w=60 \"ip\";r=2;t=60 "), await Ask(limiter));
    }

    /// <summary>The longer wait is the one that helps.</summary>
    [Fact]
    public async Task Who_guesses_and_asks_too_often_waits_for_both()
    {
        var limiter = Limiter(1, 1);
        await limiter.CountFailure(From("203.0.113.7"));
        _clock.Advance(TimeSpan.FromSeconds(10));
        var other = Limiter(1, 1);
        await Ask(other);
        _clock.Advance(TimeSpan.FromSeconds(10));
        await other.CountFailure(From("203.0.113.7"));
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("30", (await Ask(limiter)).Headers.Split(' ')[^1]);
        Assert.Equal((Wire.TooManyWrongKeys, "1 0 1767225681 \"ip\";q=1;w=60 \"ip\";r=0;t=50 50"), await Ask(other));
    }

    [Fact]
    public async Task Where_the_requests_are_the_longer_wait_they_are_the_one_that_is_told()
    {
        var limiter = Limiter(1, 2);
        await limiter.CountFailure(From("203.0.113.7"));
        _clock.Advance(TimeSpan.FromSeconds(10));
        await Ask(limiter);
        _clock.Advance(TimeSpan.FromSeconds(10));
        await limiter.CountFailure(From("203.0.113.7"));
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("40", (await Ask(limiter)).Headers.Split(' ')[^1]);
    }

    /// <summary>Requests that are refused for wrong keys are not waited for once more.</summary>
    [Fact]
    public async Task Who_guesses_with_requests_left_waits_for_the_guesses_alone()
    {
        var limiter = Limiter(1, 1);
        await limiter.CountFailure(From("203.0.113.7"));
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal("1", (await Ask(limiter)).Headers.Split(' ')[^1]);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null((await Ask(limiter)).Refused);
        Assert.Equal("60", (await Ask(limiter)).Headers.Split(' ')[^1]);
    }

    [Fact]
    public async Task Without_a_limit_of_requests_there_are_no_headers_but_guesses_are_still_refused()
    {
        var limiter = Limiter(0, 1);
        Assert.Equal((null, "     "), await Ask(limiter));
        await limiter.CountFailure(From("203.0.113.7"));
        Assert.Equal((Wire.TooManyWrongKeys, "     60"), await Ask(limiter));
    }

    [Fact]
    public async Task Clients_of_both_budgets_are_remembered_and_forgotten()
    {
        var limiter = Limiter(5, 5);
        await Ask(limiter);
        await limiter.CountFailure(From("203.0.113.7"));
        await limiter.CountFailure(From("203.0.113.8"));
        Assert.Equal(3, limiter.Clients);
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal((3, 0), (limiter.Sweep(), limiter.Clients));
    }

    [Theory]
    [InlineData(0, "1")]
    [InlineData(1, "1")]
    [InlineData(1000, "1")]
    [InlineData(1001, "2")]
    [InlineData(60_000, "60")]
    public void Retry_After_is_whole_seconds_and_never_0(int wait, string seconds)
    {
        IHeaderDictionary headers = new HeaderDictionary();
        RateLimitHeaders.SetRetryAfter(headers, wait);
        Assert.Equal(seconds, headers.RetryAfter.ToString());
    }

    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7", true)]
    [InlineData("203.0.113.7", "::ffff:203.0.113.7", true)]
    [InlineData("203.0.113.7", "203.0.113.8", false)]
    [InlineData("203.0.113.7", "203.1.113.7", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("2001:db8:1:2::1", "2002:db8:1:2::1", false)]
    [InlineData("::1", "0.0.0.0", false)]
    public void One_client_is_an_IPv4_address_or_an_IPv6_64(string one, string other, bool same) =>
        Assert.Equal(same, ClientAddress.Of(IPAddress.Parse(one)) == ClientAddress.Of(IPAddress.Parse(other)));

    [Theory]
    [InlineData("203.0.113.7", "203.0.113.7")]
    [InlineData("::ffff:203.0.113.7", "203.0.113.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData("::1", "::/64")]
    public void A_client_is_written_as_it_is_counted(string address, string text) => Assert.Equal(text, ClientAddress.Of(IPAddress.Parse(address)).ToString());

    [Fact]
    public void A_peer_without_an_address_is_one_client() => Assert.Equal("0.0.0.0", ClientAddress.Of(address: null).ToString());

    /// <summary>By the hash alone: neighbours share no bucket more often than chance has it.</summary>
    [Fact]
    public void Clients_spread_over_buckets() =>
        Assert.InRange(Enumerable.Range(0, 6400).Select(i => ClientAddress.Of(new IPAddress(BitConverter.GetBytes(i)))).GroupBy(client => (uint)client.GetHashCode() % 64).Max(bucket => bucket.Count()), 100, 180);
}
