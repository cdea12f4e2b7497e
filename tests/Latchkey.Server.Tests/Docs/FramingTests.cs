using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Latchkey.Server.Tests.Support;
using Microsoft.AspNetCore.Http.Features;

namespace Latchkey.Server.Tests.Docs;

/// <summary>
/// Bytes that two readers may read in two ways, sent to the server itself, through nginx and through HAProxy as deploy/ has them: one answer per
/// request, never a request that only one of both saw, and the same path and address on both sides.
/// </summary>
public sealed partial class FramingTests
{
    /// <summary>A request within another that nobody may see.</summary>
    const string Hidden = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
    const string Canary = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const string H = " HTTP/1.1\r\nHost: licenses.example.com\r\n";
    const string Verify = "POST /api/license/verify" + H + "Authorization: Bearer X\r\n";

    /// <param name="Name">What it is called.</param>
    /// <param name="Bytes">What is sent.</param>
    /// <param name="Most">Answers that a reader who takes the most requests out of it may give.</param>
    sealed record Trick(string Name, string Bytes, int Most = 1)
    {
        /// <summary>Where no proxy stands in front.</summary>
        public int MostDirectly { get; init; } = Most;
    }

    static readonly Trick[] Corpus =
    [
        new("plain", "GET /livez" + H + "\r\n"),
        new("two in one go", "GET /livez" + H + "\r\nGET /livez?2" + H + "\r\n", 2),
        new("three, the second with a body", "GET /livez" + H + "\r\n" + Verify + "Content-Length: 2\r\n\r\n{}GET /livez?3" + H + "\r\n", 3),
        new("CL and TE", Verify + $"Content-Length: {Hidden.Length + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + Hidden),
        new("TE and CL", Verify + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + $"{Hidden.Length:x}\r\n{Hidden}\r\n0\r\n\r\n"),
        .. new[] { "xchunked", "chunked, identity", "identity, chunked", "chunked, chunked", "\u000bchunked", "chun\tked", "\"chunked\"", "chunked;q=1", "gzip, chunked", "identity", "" }
            .Select(te => new Trick($"TE is [{te}]", Verify + $"Transfer-Encoding: {te}\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + Hidden)),
        new("TE twice", Verify + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + Hidden),
        new("TE with a space before the colon", Verify + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + Hidden),
        new("TE folded", Verify + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + Hidden),
        new("TE behind a fold", Verify + "X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + Hidden, 2),
        new("TE with an underscore", Verify + "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
        new("TE in HTTP/1.0", "POST /api/license/verify HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + Hidden),
        new("CL twice, different", Verify + $"Content-Length: 0\r\nContent-Length: {Hidden.Length}\r\n\r\n" + Hidden),
        new("CL twice, the same", Verify + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
        // Kestrel reads these two as 2; both proxies refuse them.
        new("CL is [+2]", Verify + "Content-Length: +2\r\n\r\n" + Hidden) { MostDirectly = 2 },
        new("CL is [2 and a vertical tab]", Verify + "Content-Length: 2\u000b\r\n\r\n" + Hidden) { MostDirectly = 2 },
        .. new[] { "0, 36", "-1", "0x2", "2 2", "18446744073709551618", "" }.Select(length => new Trick($"CL is [{length}]", Verify + $"Content-Length: {length}\r\n\r\n" + Hidden)),
        new("CL on GET", "GET /api/license/verify" + H + $"Content-Length: {Hidden.Length}\r\n\r\n" + Hidden),
        new("CL with a space before the colon", Verify + $"Content-Length : {Hidden.Length}\r\n\r\n" + Hidden),
        .. new[] { "0x2", " 2", "2 ", "-2", "2;a=b;c=\"d\"", "2;\n", "00000000000000000002", "fffffffffffffffff", "g", "" }
            .Select(size => new Trick($"a chunk's size is [{size}]", Verify + $"Transfer-Encoding: chunked\r\n\r\n{size}\r\n{{}}\r\n0\r\n\r\n")),
        new("a chunk ends in LF", Verify + "Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n"),
        new("a chunk has no end", Verify + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n" + Hidden),
        new("trailers", Verify + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Length: 36\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"),
        new("bare LF", "GET /livez HTTP/1.1\nHost: h\n\n"),
        new("bare CR", "GET /livez HTTP/1.1\r\nHost: h\r\nX-A: b\rTransfer-Encoding: chunked\r\n\r\n"),
        new("LF in a value", "GET /livez HTTP/1.1\r\nHost: h\r\nX-A: b\n\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n", 2),
        new("NUL in a value", "GET /livez" + H + "X-A: b\0c\r\n\r\n"),
        new("NUL in a name", "GET /livez" + H + "X\0A: b\r\n\r\n"),
        new("NUL in the path", "GET /livez\0 HTTP/1.1\r\nHost: h\r\n\r\n"),
        new("no name", "GET /livez" + H + ": b\r\n\r\n"),
        new("no colon", "GET /livez" + H + "X-A\r\n\r\n"),
        new("a space before the first name", "GET /livez HTTP/1.1\r\n Host: h\r\n\r\n"),
        new("no Host", "GET /livez HTTP/1.1\r\n\r\n"),
        new("two Hosts", "GET /livez HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n"),
        new("a Host that is none", "GET /livez HTTP/1.1\r\nHost: a@b.example/../x\r\n\r\n"),
        new("absolute form", "GET http://licenses.example.com/livez" + H + "\r\n"),
        new("absolute form of another host", "GET http://evil.example/livez" + H + "\r\n"),
        new("authority form", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n"),
        new("asterisk form", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"),
        .. new[] { "//livez", "/./livez", "/x/../livez", "/../livez", "/%2e%2e/livez", "/x%2f..%2flivez", "/livez%00", "/livez/", "/livez;a", "/%6civez", "/livez%", "/livez%zz", "/livez\\..", "/livez?a=/../b", "/livez#a", "/livez%0d%0aX-A:b", "/LIVEZ", "/\u00e9" }
            .Select(path => new Trick($"the path is [{path}]", $"GET {path}" + H + "\r\n")),
        .. new[] { "/api/license/download-file/", "//api/license/download-file/", "/API/license/%64ownload-file/", "/admin/../api/license/download-file/", "/api/license/./download-file/", "/api/license/download-file%2f", "/api/license/download%2Dfile//" }
            .Concat(["/admin/setup/", "/admin/invitation/", "/admin/reset/", "//admin//invitation/", "/ADMIN/%69nvitation/", "/admin/./x/../setup/", "/admin/reset%2f", "/admin%2Finvitation/"])
            .Select(path => new Trick($"a link as [{path}]", $"GET {path}{Canary}" + H + "\r\n")),
        new("spaces in the request line", "GET  /livez  HTTP/1.1\r\nHost: h\r\n\r\n"),
        new("tabs in the request line", "GET\t/livez\tHTTP/1.1\r\nHost: h\r\n\r\n"),
        new("HTTP/0.9", "GET /livez\r\n\r\n"),
        new("HTTP/1.0", "GET /livez HTTP/1.0\r\n\r\n"),
        new("HTTP/1.2", "GET /livez HTTP/1.2\r\nHost: h\r\n\r\n"),
        new("HTTP/2.0", "GET /livez HTTP/2.0\r\nHost: h\r\n\r\n"),
        new("a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        new("upgrade to h2c", "GET /livez" + H + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"),
        new("upgrade to nothing we know", "GET /livez" + H + "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n" + Hidden, 2),
        new("TRACE", "TRACE /livez" + H + "\r\n"),
        new("a method of its own", "get /livez" + H + "\r\n"),
        new("Expect", Verify + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"),
        new("Expect of another kind", Verify + "Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}"),
        .. new[] { "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 127.0.0.1", "x-forwarded-for: 203.0.113.9, 127.0.0.1", "X_Forwarded_For: 203.0.113.9", "X-Forwarded-For : 203.0.113.9", "Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9", "Connection: X-Forwarded-For, X-Forwarded-Proto", "Connection: close, X-Forwarded-For\r\nX-Forwarded-For: 203.0.113.9", "X-Forwarded-For:\r\n 203.0.113.9" }
            .Select(header => new Trick($"claims [{header}]", "GET /livez" + H + header + "\r\n\r\n")),
    ];

    sealed record Seen(string Target, string Address, string? PathBefore, string? AddressBefore);

    [Fact]
    public async Task Through_nginx_one_answer_per_request_and_the_same_path_and_address_on_both_sides()
    {
        await using var server = await Behind();
        await using var nginx = await Nginx.Run(server.Port);
        await All(server, nginx.Port, isSecure: true, net: 1);
        Assert.DoesNotContain(Canary, nginx.Logs);
    }

    [Theory]
    [InlineData("haproxy.cfg")]
    [InlineData("haproxy-nodes.cfg")]
    public async Task Through_HAProxy_one_answer_per_request_and_the_same_path_and_address_on_both_sides(string file)
    {
        await using var server = await Behind();
        await using var haproxy = await HaProxy.Run(server.Port, file);
        await All(server, haproxy.Port, isSecure: false, net: 2);
        var log = await haproxy.Stop();
        Assert.Contains("/livez", log);
        Assert.DoesNotContain(Canary, log);
    }

    [Fact]
    public async Task Directly_one_answer_per_request_and_the_address_is_that_of_the_connection()
    {
        await using var server = await Behind();
        await All(server, server.Port, isSecure: false, net: 3);
    }

    static Task<TestServer> Behind() => TestServer.Run(("TrustedProxies:0", "127.0.0.1"));

    static async Task All(TestServer server, int port, bool isSecure, int net)
    {
        var watch = new Watch();
        using var subscription = server.Services.GetRequiredService<DiagnosticListener>().Subscribe(watch);
        var wrong = new ConcurrentBag<string>();
        await Task.WhenAll(Corpus.Select(async (trick, i) =>
        {
            // Whoever is seen under this address did this.
            var address = $"127.0.{net}.{i + 1}";
            var answers = await Send(port, isSecure, address, trick.Bytes, said => said == watch.Of(address).Count);
            foreach (var fault in Faults(trick, address, answers, watch.Of(address), isBehind: net < 3)) wrong.Add($"{trick.Name}: {fault}");
        }));
        Assert.True(wrong.IsEmpty, string.Join("\n", wrong.Order()));
        Assert.Equal([], watch.Strangers());
        Assert.Equal([1, 2, 3], Enumerable.Range(1, 3).Select(i => watch.Of($"127.0.{net}.{i}").Count));
    }

    static IEnumerable<string> Faults(Trick trick, string address, string[] answers, IReadOnlyList<Seen> seen, bool isBehind)
    {
        var most = isBehind ? trick.Most : trick.MostDirectly;
        if (answers.Length > most) yield return $"{answers.Length} answers: {string.Join(", ", answers.Select(answer => answer[..3]))}";
        if (answers.Count(IsTheServers) != seen.Count) yield return $"{seen.Count} requests arrived, {answers.Count(IsTheServers)} were answered";
        foreach (var one in seen)
        {
            // A line that ends with LF alone ends for all of them: what follows it is a request that each saw.
            if (one.Target.Contains("smuggled", StringComparison.Ordinal) && most == 1) yield return "the hidden request was seen";
            if (!isBehind) continue;

            // Of "*" and of an authority HAProxy says that it has no path, and so does the server.
            var isPath = one.Target.StartsWith('/');
            if (!isPath && string.IsNullOrEmpty(one.PathBefore)) continue;
            if (one.PathBefore != one.Target) yield return $"the proxy saw {one.PathBefore}, the server {one.Target}";
            if (one.AddressBefore != address) yield return $"the proxy saw {one.AddressBefore}";
        }
    }

    /// <summary>All of the server's answers have an id, and no answer of a proxy has.</summary>
    static bool IsTheServers(string answer) => answer.Contains("\r\nX-Request-ID: ", StringComparison.OrdinalIgnoreCase);

    /// <returns>The answers, until the other side closes, or is silent and has answered whatever arrived.</returns>
    static async Task<string[]> Send(int port, bool isSecure, string address, string bytes, Func<int, bool> isAllAnswered)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        await socket.ConnectAsync(IPAddress.Loopback, port);
        await using var plain = new NetworkStream(socket);
        await using var secure = new SslStream(plain, false, (_, certificate, _, _) => certificate?.Subject == "CN=licenses.example.com");
        Stream stream = isSecure ? secure : plain;
        if (isSecure) await secure.AuthenticateAsClientAsync("licenses.example.com");
        await stream.WriteAsync(Encoding.Latin1.GetBytes(bytes));
        var all = new StringBuilder();
        var reading = Read(stream, all);
        for (var silent = 0; silent < 20 && !reading.IsCompleted; silent++)
        {
            await Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(1)));

            // A busy machine is silent for a while, too.
            if (silent >= (Answers(all).Length > 0 ? 1 : 8) && isAllAnswered(Answers(all).Count(IsTheServers))) break;
        }

        return Answers(all);
    }

    static async Task Read(Stream stream, StringBuilder all)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            for (int read; (read = await stream.ReadAsync(buffer)) > 0;)
            {
                lock (all) all.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // Closed; what it said before counts.
        }
    }

    /// <summary>No body of ours looks like the beginning of an answer. 100 announces one.</summary>
    static string[] Answers(StringBuilder all)
    {
        lock (all) return [.. StatusLine().Split(all.ToString()).Skip(1).Where(answer => !answer.StartsWith("100", StringComparison.Ordinal))];
    }

    [GeneratedRegex("HTTP/1\\.[01] (?=[1-5]\\d\\d)")]
    private static partial Regex StatusLine();

    /// <summary>What the server has seen and answered, by the address that it saw.</summary>
    sealed class Watch : IObserver<KeyValuePair<string, object?>>
    {
        readonly ConcurrentQueue<Seen> _seen = new();

        public List<Seen> Of(string address) => [.. _seen.Where(seen => seen.Address == address)];

        /// <summary>Under an address that nobody here has; 127.0.0.1 is how HAProxy asks whether the server is ready.</summary>
        public IEnumerable<Seen> Strangers() => _seen.Where(seen => !seen.Address.StartsWith("127.0.", StringComparison.Ordinal) || (seen.Address == "127.0.0.1" && seen.Target is not ("/readyz" or "/livez")));

        public void OnNext(KeyValuePair<string, object?> happened)
        {
            if (happened is not { Key: "Microsoft.AspNetCore.Hosting.HttpRequestIn.Stop", Value: HttpContext context }) return;
            var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;

            // Of the absolute form, the path.
            if (target.StartsWith("http://", StringComparison.Ordinal)) target = target[target.IndexOf('/', 7)..];
            var headers = context.Request.Headers;
            _seen.Enqueue(new Seen(target, context.Connection.RemoteIpAddress!.ToString(), headers["X-Seen-Path"], headers["X-Seen-Address"]));
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }
}
