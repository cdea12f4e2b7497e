using System.Collections.Concurrent;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Latchkey.Server.Tests.Support;

enum Fault
{
    None,

    /// <summary>The connection is closed without a word.</summary>
    Closed,

    /// <summary>There is no answer, for as long as anybody waits.</summary>
    Silent,

    /// <summary>500, as S3 says it.</summary>
    Error,

    /// <summary>The head is as it should be, and the body breaks off in its middle.</summary>
    Truncated,

    /// <summary>The head promises less than the whole, and the body keeps that promise.</summary>
    Short,

    /// <summary>A byte of the body is another.</summary>
    Damaged,

    /// <summary>The body begins, and nothing more comes.</summary>
    Stalled,
}

/// <summary>What a request to the store looked like.</summary>
sealed record Seen(string Method, string Path, string Query, string? Range);

/// <summary>An HTTP proxy in front of a store, which breaks the requests that a test chooses.</summary>
sealed class FaultyLine : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    readonly string _store;
    readonly ConcurrentQueue<Seen> _seen = new();

    FaultyLine(WebApplication app, string store) => (_app, _store) = (app, store);

    public string Url { get; private set; } = "";

    /// <summary>Asked for each request.</summary>
    public Func<Seen, Fault> Breaks { get; set; } = _ => Fault.None;

    public IReadOnlyCollection<Seen> Requests => _seen;

    public static async Task<FaultyLine> To(string store)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        var line = new FaultyLine(app, store);
        app.Run(line.Carry);
        await app.StartAsync();
        line.Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return line;
    }

    async Task Carry(HttpContext context)
    {
        var request = context.Request;
        var seen = new Seen(request.Method, request.Path, request.QueryString.Value ?? "", request.Headers.Range.FirstOrDefault());
        _seen.Enqueue(seen);
        var fault = Breaks(seen);
        switch (fault)
        {
            case Fault.Closed:
                context.Abort();
                return;
            case Fault.Silent:
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return;
            case Fault.Error:
                context.Response.StatusCode = 500;
                context.Response.ContentType = "application/xml";
                await context.Response.WriteAsync("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>");
                return;
        }

        try
        {
            using var answer = await _http.SendAsync(Ask(request), HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
            await Answer(context, answer, fault);
        }
        catch (Exception ended) when (ended is HttpRequestException or IOException or OperationCanceledException)
        {
            context.Abort();
        }
    }

    HttpRequestMessage Ask(HttpRequest request)
    {
        var ask = new HttpRequestMessage(new HttpMethod(request.Method), _store + request.Path.ToUriComponent() + request.QueryString.ToUriComponent());
        if (request.ContentLength > 0) ask.Content = new StreamContent(request.Body);
        foreach (var (name, value) in request.Headers)
        {
            if (!ask.Headers.TryAddWithoutValidation(name, value.ToArray())) ask.Content?.Headers.TryAddWithoutValidation(name, value.ToArray());
        }

        return ask;
    }

    static async Task Answer(HttpContext context, HttpResponseMessage answer, Fault fault)
    {
        var response = context.Response;
        response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers)) response.Headers[name] = values.ToArray();
        response.Headers.Remove("Transfer-Encoding");
        response.Headers.Remove("Connection");
        if (context.Request.Method == "HEAD" || fault == Fault.None)
        {
            await response.StartAsync();
            if (context.Request.Method != "HEAD") await answer.Content.CopyToAsync(response.Body, context.RequestAborted);
            return;
        }

        var body = await answer.Content.ReadAsByteArrayAsync(context.RequestAborted);
        if (fault == Fault.Damaged) body[body.Length / 2] ^= 1;
        if (fault == Fault.Short) response.ContentLength = body.Length / 2;
        var whole = fault == Fault.Damaged;
        await response.Body.WriteAsync(body.AsMemory(0, whole ? body.Length : body.Length / 2), context.RequestAborted);
        await response.Body.FlushAsync(context.RequestAborted);
        if (fault == Fault.Truncated) context.Abort();
        if (fault == Fault.Stalled) await Task.Delay(Timeout.Infinite, context.RequestAborted);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _http.Dispose();
    }
}
