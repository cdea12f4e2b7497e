using Latchkey.Server.Http;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Http;

/// <summary>Whoever holds connections open, or takes their time, keeps nobody else out.</summary>
public sealed class SlowClientTests
{
    const string Ok = "HTTP/1.1 200 OK";
    const string HalfAHead = "GET / HTTP/1.1\r\nHost: h\r\nX-Slow:";

    static Connections Watched(TestServer server) => server.Services.GetRequiredService<Connections>();

    static async Task<List<RawConnection>> Open(TestServer server, int many, Func<int, string> from)
    {
        var all = new List<RawConnection>();
        for (var i = 0; i < many; i++)
        {
            all.Add(await RawConnection.Open(server.Port, from(i)));
            await all[^1].Send(HalfAHead);

            // One after the other, so that it is known who has waited longest.
            await Poll.Until(() => Task.FromResult(Watched(server).Open), open => open >= i + 1);
        }

        return all;
    }

    [Fact]
    public async Task Past_the_cap_of_an_address_the_longest_waiting_of_its_own_gives_way()
    {
        await using var server = await TestServer.Run(("Connections:PerAddress", "3"));
        using var neighbour = await RawConnection.Open(server.Port, "127.0.0.3");
        Assert.Equal(Ok, await neighbour.Ask());
        var slow = new List<RawConnection>();
        for (var i = 0; i < 3; i++)
        {
            slow.Add(await RawConnection.Open(server.Port, "127.0.0.2"));
            Assert.Equal(Ok, await slow[i].Ask());
        }

        for (var i = 0; i < 20; i++)
        {
            slow.Add(await RawConnection.Open(server.Port, "127.0.0.2"));
            Assert.Equal(Ok, await slow[^1].Ask());
            Assert.Equal(4, Watched(server).Open);
        }

        foreach (var one in slow[..^3]) Assert.Equal("", await one.Ask());
        foreach (var one in slow[^3..]) Assert.Equal(Ok, await one.Ask());
        slow.ForEach(one => one.Dispose());
        Assert.Equal(Ok, await neighbour.Ask());
        Assert.True(Watched(server).Closed is { Addresses: 20, InAll: 0 });
        Assert.Single(server.Log.Lines, line => line.Contains("The address 127.0.0.2 has 3 connections open"));
        server.Clock.Advance(TimeSpan.FromSeconds(61));
        for (var i = 0; i < 5; i++) Assert.Equal(Ok, await (await RawConnection.Open(server.Port, "127.0.0.4")).Ask());
        Assert.Single(server.Log.Lines, line => line.Contains("The address 127.0.0.4 has 3 connections open"));
    }

    [Fact]
    public async Task Past_the_cap_of_all_the_longest_waiting_gives_way_whosever_it_is()
    {
        await using var server = await TestServer.Run(("Connections:Max", "10"));
        var slow = await Open(server, 10, i => $"127.0.1.{i + 1}");
        using var good = await RawConnection.Open(server.Port, "127.0.0.2");
        Assert.Equal(Ok, await good.Ask());
        Assert.Equal("", await slow[0].ReadToEnd());
        Assert.All(slow[1..], one => Assert.False(one.HasSomethingToRead));
        Assert.Equal((10, (1L, 0L)), (Watched(server).Open, Watched(server).Closed));
        Assert.Single(server.Log.Lines, line => line.Contains("All 10 connections are open"));
        slow.ForEach(one => one.Dispose());
    }

    [Fact]
    public async Task A_connection_that_is_at_work_never_gives_way_and_the_new_one_is_closed_at_once()
    {
        await using var server = await TestServer.Run(("Connections:PerAddress", "1"));
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.Publish(1, new byte[20_000_000]);
        var path = await server.Http.MintPathOf(license.LicenseKey!, "example.com", 1);
        using var busy = await RawConnection.Open(server.Port, "127.0.0.2");
        await busy.Send($"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        var first = await busy.Read();
        using (var other = await RawConnection.Open(server.Port, "127.0.0.2")) Assert.Equal("", await other.Ask());
        var whole = first + await busy.ReadToEnd();
        Assert.Equal(20_000_000, whole.Length - whole.IndexOf("\r\n\r\n", StringComparison.Ordinal) - 4);
        await Poll.Until(() => Task.FromResult(Watched(server).Clients), clients => clients <= 1);
        using var next = await RawConnection.Open(server.Port, "127.0.0.2");
        Assert.Equal(Ok, await next.Ask());
    }

    [Fact]
    public async Task A_listed_proxy_has_as_many_as_it_wants_and_none_of_them_gives_way()
    {
        await using var server = await TestServer.Run(("Connections:PerAddress", "1"), ("Connections:Max", "10"), ("TrustedProxies:0", "127.0.0.9"));
        var proxied = await Open(server, 10, _ => "127.0.0.9");
        using (var other = await RawConnection.Open(server.Port, "127.0.0.2")) Assert.Equal("", await other.Ask());
        Assert.All(proxied, one => Assert.False(one.HasSomethingToRead));
        proxied.ForEach(one => one.Dispose());
        await Poll.Until(() => Task.FromResult(Watched(server).Open), open => open == 0);
        using var good = await RawConnection.Open(server.Port, "127.0.0.2");
        Assert.Equal(Ok, await good.Ask());
    }

    [Fact]
    public async Task Connections_that_have_ended_are_forgotten_however_they_ended()
    {
        await using var server = await TestServer.Run(("Connections:PerAddress", "5"));
        for (var times = 0; times < 5; times++) (await Open(server, 5, _ => "127.0.0.2")).ForEach(one => one.Dispose());
        await RawHttp.Send(server.Port, "NONSENSE\r\n\r\n");
        await RawHttp.Send(server.Port, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        await Poll.Until(() => Task.FromResult((Watched(server).Open, Watched(server).Clients)), left => left == (0, 0));
    }

    [Fact]
    public async Task A_head_that_does_not_come_in_time_is_cut()
    {
        await using var server = await TestServer.Run(("Connections:HeaderTimeout", "00:00:01"));
        using var slow = await RawConnection.Open(server.Port);
        await slow.Send(HalfAHead);
        var began = TimeProvider.System.GetTimestamp();
        Assert.StartsWith("HTTP/1.1 408 ", await slow.ReadToEnd());

        // The default is 15.
        Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(12));
    }

    [Theory]
    [InlineData("Content-Length: 60")]
    [InlineData("Transfer-Encoding: chunked")]
    public async Task A_body_that_does_not_come_in_time_is_refused_and_its_connection_closed(string framing)
    {
        await using var server = await TestServer.Run();
        using var slow = await RawConnection.Open(server.Port);
        await slow.Send($"POST {Ask.VerifyPath} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer X\r\n{framing}\r\n\r\n");
        await Poll.Until(
            () =>
            {
                server.Clock.Advance(TimeSpan.FromSeconds(31));
                return Task.FromResult(slow.HasSomethingToRead);
            },
            isThere => isThere);
        var answer = await slow.ReadToEnd();
        Assert.StartsWith("HTTP/1.1 408 ", answer);
        Assert.Contains("{\"success\":false,\"message\":\"The request body did not come in time\",\"error_code\":\"REQUEST_TIMEOUT\"}", answer);
    }

    /// <summary>The server's clock stands still: it is not the time that is over.</summary>
    [Fact]
    public async Task A_body_that_comes_too_slowly_is_refused()
    {
        await using var server = await TestServer.Run();
        using var slow = await RawConnection.Open(server.Port);
        await slow.Send($"POST {Ask.VerifyPath} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer X\r\nContent-Length: 10000\r\n\r\n");
        for (var sent = 0; sent < 15 && !slow.HasSomethingToRead; sent++)
        {
            await slow.Send(new string(' ', 20));
            await Poll.Until(() => Task.FromResult(slow.HasSomethingToRead), _ => true);
            await Task.Delay(TimeSpan.FromMilliseconds(500));
        }

        Assert.StartsWith("HTTP/1.1 408 ", await slow.ReadToEnd());
    }

    /// <summary>What is not asked for is not there: no second protocol, no second way to smuggle.</summary>
    [Fact]
    public async Task Nobody_talks_HTTP_2_to_it()
    {
        await using var server = await TestServer.Run();
        using var client = await RawConnection.Open(server.Port);
        await client.Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0");
        var answer = await client.ReadToEnd();

        // One frame: GOAWAY, for HTTP/1.1 is wanted (RFC 9113, sections 6.8 and 7). Whoever speaks it begins with SETTINGS.
        Assert.Equal("\0\0\u0008\u0007\0\0\0\0\0\0\0\0\0\0\0\0\r", answer);
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("Refused"));
    }
}
