using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Http;

/// <summary>
/// Broken requests on raw sockets, to every endpoint there is: none is answered with 5xx, none hangs, and the process
/// neither ends nor grows. A few thousand in the suite; <c>tests/fuzz</c> sends a million.
/// </summary>
public sealed partial class RawFuzzTests(ITestOutputHelper output)
{
    static readonly TimeSpan TooLong = TimeSpan.FromSeconds(20);
    static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(60);

    /// <summary>HTTP/2's own words for "only HTTP/1.1", to a client that begins with its preface: a frame of 8 bytes, error 13.</summary>
    const string GoAway = "\0\0\u0008\u0007\0\0\0\0\0\0\0\0\0\0\0\0\u000d";

    static int Requests => int.Parse(Environment.GetEnvironmentVariable("LATCHKEY_TEST_FUZZ_REQUESTS") ?? "4000", CultureInfo.InvariantCulture);
    static int Seed => int.Parse(Environment.GetEnvironmentVariable("LATCHKEY_TEST_FUZZ_SEED") ?? "1", CultureInfo.InvariantCulture);

    [Fact]
    public async Task No_broken_request_is_answered_with_5xx_hangs_or_makes_the_process_grow()
    {
        using var shop = new Shop();
        var product = await shop.AddProduct();
        await shop.Publish(product, [1, 2, 3]);
        var key = (await shop.Issue(product, "--domain", "example.com")).Key();
        var apiKey = (await shop.Do("api-key", "add", "--name", "fuzz", "--scope", "products:read", "--scope", "licenses:read")).Text("key");
        await using var server = await ServeProcess.Run(shop.Data, [.. Shop.NoLimits, ("LATCHKEY_Admin__RequestsPerMinute", "0"), ("LATCHKEY_Log__Level", "Error")]);
        var link = await server.Http.MintPathOf(key, "example.com", product);
        var seeds = await Seeds(server, key, apiKey, link);
        var port = new Uri(server.Url).Port;

        var faults = new ConcurrentQueue<string>();
        var unavailable = new ConcurrentQueue<(int Number, byte[] Request)>();
        var statuses = new ConcurrentDictionary<int, int>();
        var (warm, watch) = (0L, Stopwatch.StartNew());
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) is var number && number <= Requests && faults.Count < 20)
            {
                if (number == (Requests / 4) + 1) warm = Resident(server.Id);
                var broken = new Breaker(Seed, number).Break(seeds);
                var (status, fault) = await Send(port, broken);
                statuses.AddOrUpdate(status, 1, (_, count) => count + 1);
                if (status == 503) unavailable.Enqueue((number, broken));
                else if (fault is not null) faults.Enqueue(Told(number, fault, broken));
            }
        })));

        // A database that a busy machine kept from answering says so; a request that cannot be answered is answered so again.
        foreach (var (number, broken) in unavailable)
        {
            if ((await Send(port, broken)).Fault is { } again) faults.Enqueue(Told(number, again, broken));
        }

        var grown = Resident(server.Id) - warm;
        output.WriteLine($"{Requests} requests made of {seeds.Length} right ones, in {watch.Elapsed.TotalSeconds:0} s: {string.Join(", ", statuses.OrderBy(s => s.Key).Select(s => $"{(s.Key == 0 ? "closed" : s.Key)} {s.Value}"))}; resident {warm / 1_000_000} MB after a quarter, {grown / 1_000_000:+0;-0;0} MB at the end");
        Assert.True(faults.IsEmpty, string.Join(Environment.NewLine, faults));
        Assert.True(unavailable.Count <= Requests / 100, $"{unavailable.Count} answers of 503: {server.Log}");
        Assert.True(grown < 60_000_000, $"the process grew by {grown} bytes");
        Assert.Equal(200, (await server.Http.Verify(key, "example.com", product)).Status);
    }

    static string Told(int number, string fault, byte[] request) => $"request {number} of seed {Seed}: {fault}{Environment.NewLine}{Encoding.Latin1.GetString(request)}";

    /// <summary>A right request for each operation of each API, each page and each file of the panel.</summary>
    static async Task<byte[][]> Seeds(ServeProcess server, string key, string apiKey, string link)
    {
        var seeds = new List<string>
        {
            Request("GET", "/api/license/verify", $"Authorization: Bearer {key}\r\nX-Domain: example.com\r\nX-Product-ID: 1\r\n"),
            Request("GET", "/api/license/verify?domain=example.com&product_id=1", $"Authorization: Bearer {key}\r\n"),
            Request("POST", "/api/license/download", $"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n", """{"domain":"example.com","product_id":1}"""),
            Request("POST", "/api/license/download", $"Authorization: Bearer {key}\r\nContent-Type: application/x-www-form-urlencoded\r\n", "domain=example.com&product_id=1"),
            Request("GET", link, "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n"),
            Request("GET", "/api/license/update?version=1.0.0&channel=beta&platform=linux&arch=x64", $"Authorization: Bearer {key}\r\nX-Domain: example.com\r\nX-Product-ID: 1\r\nIf-None-Match: \"x\"\r\n"),
            Request("POST", "/admin/sign-in", "Content-Type: application/x-www-form-urlencoded\r\nCookie: a=b\r\n", "email=a%40b.c&password=long+enough+words&__RequestVerificationToken=x"),
            Request("GET", "/admin/_blazor?id=x", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
        };
        foreach (var path in new[] { "/", "/livez", "/readyz", "/metrics", "/admin/", "/admin/setup/x", "/admin/invitation/x", "/admin/reset/x", "/admin/licenses?q=a", "/admin/theme.js", "/openapi/license.json", "/docs/" }) seeds.Add(Request("GET", path, ""));
        foreach (var name in new[] { "license", "admin" })
        {
            var paths = (await server.Http.Get($"/openapi/{name}.json")).Json.GetProperty("paths");
            foreach (var path in paths.EnumerateObject())
            {
                foreach (var method in path.Value.EnumerateObject().Where(operation => operation.Value.ValueKind == JsonValueKind.Object))
                {
                    var body = method.Name is "get" or "head" or "delete" ? "" : """{"name":"x","product_id":1,"domains":["a.b"],"count":2,"ids":[1,2],"expires_at":"2030-01-01T00:00:00Z"}""";
                    seeds.Add(Request(method.Name.ToUpperInvariant(), Parameter().Replace(path.Name, "1"), $"Authorization: Bearer {apiKey}\r\nContent-Type: application/json\r\nIf-Match: \"1\"\r\nIdempotency-Key: k1\r\n", body));
                }
            }
        }

        return [.. seeds.Select(Encoding.Latin1.GetBytes)];
    }

    static string Request(string method, string target, string headers, string body = "") =>
        $"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}{(body.Length > 0 ? $"Content-Length: {body.Length}\r\n" : "")}\r\n{body}";

    /// <returns>The status, 0 where the connection was closed without one; and what must not be.</returns>
    static async Task<(int Status, string? Fault)> Send(int port, byte[] request)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var limit = new CancellationTokenSource(TooLong);
        var answer = new MemoryStream();
        try
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), limit.Token);
            for (var sent = 0; sent < request.Length;) sent += await socket.SendAsync(request.AsMemory(sent), limit.Token);

            // What the server still waits for then, it never gets.
            var part = new byte[16_384];
            var first = socket.ReceiveAsync(part.AsMemory(), limit.Token).AsTask();
            await Task.WhenAny(first, Task.Delay(Patience, limit.Token));
            socket.Shutdown(SocketShutdown.Send);
            for (var received = await first; received > 0; received = await socket.ReceiveAsync(part.AsMemory(), limit.Token)) answer.Write(part, 0, received);
        }
        catch (SocketException)
        {
            // Refused in the middle: what was said before counts.
        }
        catch (OperationCanceledException)
        {
            return (-1, $"no end of the answer after {TooLong.TotalSeconds} s, {answer.Length} bytes came");
        }

        var said = Encoding.Latin1.GetString(answer.ToArray());
        var statuses = StatusLine().Matches(said).Select(line => int.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture)).ToList();
        if (said.StartsWith(GoAway, StringComparison.Ordinal)) return (426, null);
        if (said.Length > 0 && statuses.Count == 0) return (-2, "the answer is no HTTP: " + said[..Math.Min(200, said.Length)]);

        // 501 and 505 are of the server that reads the bytes: a transfer coding or version that there is not.
        return (statuses.FirstOrDefault(), statuses.Any(status => status >= 500 && status is not (501 or 505)) ? said[..Math.Min(600, said.Length)] : null);
    }

    static long Resident(int process) =>
        1024 * long.Parse(Number().Match(File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS", StringComparison.Ordinal))).Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(?:^|\r\n)HTTP/1\.1 (\d{3}) ")]
    private static partial Regex StatusLine();

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();

    /// <summary>Breaks a request; the same number breaks it the same way.</summary>
    sealed class Breaker(int seed, int number)
    {
        static readonly byte[][] Pieces = [.. new[]
        {
            "\0", "\r", "\n", "\r\n", "\r\n\r\n", " ", "\t", ":", ";", "/", "//", "/../", "%00", "%0d%0a", "%2e%2e%2f", "%ff", "%u0041", "\xff\xfe", "\xc0\xaf", "\xf0\x9f\x92\xa9", "\u00ad", "{", "}", "[", "]", "\"", "\\", "'", "<script>",
            "-1", "0", "9223372036854775808", "1e999", "NaN", "null", "true", "2147483648", "0x10", "bytes=-", "bytes=0-0,5-9", "W/\"1\"", "*", "Bearer ", "Basic YTpi", "Content-Length: 5\r\n", "Content-Length: -1\r\n", "Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip\r\n", "Expect: 100-continue\r\n", "Host: a\r\n", "Connection: close\r\n", "X-Forwarded-For: 1.2.3.4\r\n", "Upgrade: h2c\r\n", "Accept: application/problem+json\r\n", "Accept: text/html\r\n", "Cookie: x=\x01\r\n",
            "HTTP/1.0", "HTTP/3.7", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "OPTIONS", "TRACE", "CONNECT", new string('a', 300), new string('/', 300), new string('{', 300), new string('9', 400),
        }.Select(Encoding.Latin1.GetBytes)];

        readonly Random _random = new(unchecked((seed * 1_000_003) ^ (number * 7919)));

        public byte[] Break(byte[][] seeds)
        {
            var request = new List<byte>(seeds[_random.Next(seeds.Length)]);
            for (var times = _random.Next(1, 5); times > 0; times--) Break(request, seeds);
            return [.. request];
        }

        void Break(List<byte> request, byte[][] seeds)
        {
            var at = _random.Next(request.Count + 1);
            var many = Math.Min(_random.Next(1, 24), request.Count - at);
            switch (_random.Next(9))
            {
                case 0 when at < request.Count: request[at] ^= (byte)(1 << _random.Next(8)); break;
                case 1 when at < request.Count: request[at] = (byte)_random.Next(256); break;
                case 2: request.RemoveRange(at, many); break;
                case 3: request.InsertRange(at, request.GetRange(at, many)); break;
                case 4: request.InsertRange(AfterALine(request), Pieces[_random.Next(Pieces.Length)]); break;
                case 5: request.RemoveRange(at, request.Count - at); break;
                case 6: request.AddRange(seeds[_random.Next(seeds.Length)]); break;
                case 7:
                    var other = seeds[_random.Next(seeds.Length)];
                    request.InsertRange(at, other[_random.Next(other.Length)..]);
                    break;
                default: request.InsertRange(at, Pieces[_random.Next(Pieces.Length)]); break;
            }
        }

        int AfterALine(List<byte> request)
        {
            var lines = Enumerable.Range(0, request.Count).Where(i => request[i] == '\n').ToList();
            return lines.Count == 0 ? 0 : lines[_random.Next(lines.Count)] + 1;
        }
    }
}
