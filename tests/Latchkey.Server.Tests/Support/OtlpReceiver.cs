using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Latchkey.Server.Tests.Support;

/// <summary>An OpenTelemetry collector that keeps what it is sent, as it came: texts stand in protobuf as they are.</summary>
sealed class OtlpReceiver : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly ConcurrentQueue<(string Path, string Header, byte[] Body)> _got = new();

    OtlpReceiver(WebApplication app) => _app = app;

    public string Url { get; private set; } = "";

    /// <summary>Of the given signal (<c>trace</c>, <c>metrics</c>, <c>logs</c>), by whichever protocol.</summary>
    public string Of(string signal) => Encoding.Latin1.GetString([.. _got.Where(got => got.Path.Contains(signal, StringComparison.OrdinalIgnoreCase)).SelectMany(got => got.Body)]);

    public string All => Encoding.Latin1.GetString([.. _got.SelectMany(got => got.Body)]);

    /// <summary>Values of the header <c>x-collector-key</c>.</summary>
    public IEnumerable<string> Keys => _got.Select(got => got.Header).Distinct();

    public static async Task<OtlpReceiver> Run(bool isGrpc)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(listen => listen.Protocols = isGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
        var app = builder.Build();
        var receiver = new OtlpReceiver(app);
        app.Run(receiver.Take);
        await app.StartAsync();
        receiver.Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return receiver;
    }

    async Task Take(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        _got.Enqueue((context.Request.Path, context.Request.Headers["x-collector-key"].ToString(), body.ToArray()));
        if (context.Request.Protocol != "HTTP/2") return;

        // gRPC: an empty message, and that all is well.
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(new byte[5]);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
