using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;

namespace Latchkey.Faults;

/// <summary>What came back. Times are milliseconds of this process' own clock.</summary>
/// <param name="Status">0: nothing, or not all of it.</param>
/// <param name="Code">The <c>error_code</c>, if it was refused.</param>
/// <param name="RetryAfter">Seconds.</param>
/// <param name="IsFromNode">And not from the balancer, which knows no request ids.</param>
/// <param name="Text">The body.</param>
/// <param name="Began">When it was sent.</param>
/// <param name="Took">Until all of it was there.</param>
/// <param name="Fault">Why nothing came.</param>
sealed record Reply(int Status, string? Code, int? RetryAfter, bool IsFromNode, string Text, double Began, double Took, string? Fault)
{
    public const string Late = "no answer in time";

    public double Ended => Began + Took;

    /// <summary>Nobody answered who knows: the connection broke, or the balancer found no node.</summary>
    public bool IsInterrupted => Status == 0 || (!IsFromNode && Status >= 500);

    public JsonElement Data => JsonDocument.Parse(Text).RootElement.GetProperty("data");

    public override string ToString() => $"{Status} {Code} {Fault} in {Took:0} ms: {Text[..Math.Min(Text.Length, 200)]}";
}

/// <summary>One client with an address of its own: all of 127.0.0.0/8 is this machine.</summary>
sealed class Caller : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly HttpClient _http;
    readonly Uri _server;

    /// <param name="server">Whom it asks.</param>
    /// <param name="address">Its own.</param>
    /// <param name="keepsConnections">Else each request has its own, and is never sent again by the HTTP library.</param>
    public Caller(Uri server, string address, bool keepsConnections)
    {
        _server = server;
        Address = address;
        var from = IPAddress.Parse(address);
        _http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            PooledConnectionLifetime = keepsConnections ? Timeout.InfiniteTimeSpan : TimeSpan.Zero,
            ConnectCallback = async (context, stop) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = 64 * 1024 };
                try
                {
                    socket.Bind(new IPEndPoint(from, 0));
                    await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, stop);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        })
        { Timeout = Patience };
    }

    public string Address { get; }

    public static double Now => Stopwatch.GetTimestamp() * 1000.0 / Stopwatch.Frequency;

    public Task<Reply> Verify(Case asked) => Send(asked, HttpMethod.Get, "/api/license/verify");

    public Task<Reply> Mint(Case asked) => Send(asked, HttpMethod.Post, "/api/license/download");

    Task<Reply> Send(Case asked, HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, new Uri(_server, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", asked.Key);
        request.Headers.Add("X-Domain", asked.Domain);
        request.Headers.Add("X-Product-ID", asked.Product.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return Send(request);
    }

    public Task<Reply> Get(string path) => Send(new HttpRequestMessage(HttpMethod.Get, new Uri(_server, path)));

    public Task<Reply> Operate(string path, string apiKey)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_server, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        return Send(request);
    }

    async Task<Reply> Send(HttpRequestMessage request)
    {
        var began = Now;
        try
        {
            using (request)
            {
                using var response = await _http.SendAsync(request);
                var text = await response.Content.ReadAsStringAsync();
                return ReplyOf(response, text, began);
            }
        }
        catch (Exception failure) when (IsOfTheLine(failure))
        {
            return new Reply(0, null, null, false, "", began, Now - began, Words(failure));
        }
    }

    /// <summary>The file, or the rest of it.</summary>
    /// <param name="path">Of the link.</param>
    /// <param name="file">What of it has been got; what comes is added, or begins anew.</param>
    /// <param name="pause">After each piece: a line that is no faster.</param>
    public async Task<Reply> Fetch(string path, MemoryStream file, TimeSpan pause)
    {
        var began = Now;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server, path));
            if (file.Length > 0) request.Headers.Range = new RangeHeaderValue(file.Length, null);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            if ((int)response.StatusCode is not (200 or 206)) return ReplyOf(response, await response.Content.ReadAsStringAsync(), began);
            if (response.StatusCode == HttpStatusCode.OK) file.SetLength(0);
            using var late = new CancellationTokenSource(6 * Patience);
            await using var body = await response.Content.ReadAsStreamAsync(late.Token);
            var buffer = new byte[64 * 1024];
            for (int read; (read = await body.ReadAsync(buffer, late.Token)) > 0;)
            {
                file.Write(buffer, 0, read);
                if (pause > TimeSpan.Zero) await Task.Delay(pause, late.Token);
            }

            return ReplyOf(response, "", began);
        }
        catch (Exception failure) when (IsOfTheLine(failure))
        {
            return new Reply(0, null, null, false, "", began, Now - began, Words(failure));
        }
    }

    static bool IsOfTheLine(Exception failure) => failure is HttpRequestException or IOException or OperationCanceledException or SocketException;

    static string Words(Exception failure) => failure is OperationCanceledException ? Reply.Late : (failure.InnerException ?? failure).Message;

    static Reply ReplyOf(HttpResponseMessage response, string text, double began) => new(
        (int)response.StatusCode, response.Headers.TryGetValues("X-Error-Code", out var codes) ? codes.First() : null,
        (int?)response.Headers.RetryAfter?.Delta?.TotalSeconds, response.Headers.Contains("X-Request-ID"), text, began, Now - began, null);

    public void Dispose() => _http.Dispose();
}
