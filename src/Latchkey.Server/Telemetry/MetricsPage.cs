using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Configuration;
using Latchkey.Server.Http;

namespace Latchkey.Server.Telemetry;

/// <summary><c>/metrics</c>, for Prometheus: for those who have the token, or on a listener of its own.</summary>
sealed class MetricsPage
{
    public const string Path = "/metrics";

    static readonly Refusal NoToken = new(401, AdminErrors.NoKey.Code, "A bearer token is needed here") { Challenge = "Bearer" };

    readonly RequestDelegate _scrape;
    readonly byte[]? _token;

    /// <param name="all">The server's services.</param>
    /// <param name="token">Null: everybody may read it.</param>
    public MetricsPage(IServiceProvider all, string? token)
    {
        _scrape = new ApplicationBuilder(all).UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build();
        _token = token is null ? null : HashOf(token);
    }

    /// <summary>On the main listener.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Map(WebApplication app, string token) => app.MapMethods(Path, ["GET", "HEAD"], new MetricsPage(app.Services, token).Handle);

    public Task Handle(HttpContext context) => IsAllowed(context.Request) ? _scrape(context) : Answer.Refuse(context, NoToken);

    bool IsAllowed(HttpRequest request)
    {
        if (_token is null) return true;
        return request.Headers.Authorization is [{ } given] && given.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
            && CryptographicOperations.FixedTimeEquals(HashOf(given[7..].Trim()), _token);
    }

    // Of one length, so that not even the token's is told.
    static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}

/// <summary>A listener that serves <c>/metrics</c> and nothing else; it stands outside of the server's own pipeline, so neither can be reached through the other.</summary>
sealed partial class MetricsListener(IServiceProvider all, Settings settings, ILogger<MetricsListener> log) : IHostedService
{
    const int MostConnections = 100;

    WebApplication? _app;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(settings.Telemetry.MetricsUrls).ConfigureKestrel(kestrel =>
        {
            KestrelLimits.Apply(kestrel, settings);
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
        });
        _app = builder.Build();
        var page = new MetricsPage(all, settings.Telemetry.MetricsToken);
        _app.Run(context => IsPage(context) ? page.Handle(context) : NotFound(context));
        try
        {
            await _app.StartAsync(cancellationToken);
        }
        catch (Exception failure) when (failure is IOException or System.Net.Sockets.SocketException)
        {
            throw new Data.OperationException($"Cannot serve /metrics: {failure.Message.TrimEnd('.')}. Choose another address with Telemetry:Metrics:Urls.");
        }

        Serves(string.Join(", ", _app.Urls));
    }

    static bool IsPage(HttpContext context)
    {
        // Scrapes are nobody's business but Prometheus' own: neither counted nor traced.
        if (System.Diagnostics.Activity.Current is { } span) span.ActivityTraceFlags &= ~System.Diagnostics.ActivityTraceFlags.Recorded;
        if (context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMetricsTagsFeature>() is { } metrics) metrics.MetricsDisabled = true;
        return context.Request.Path == MetricsPage.Path && (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method));
    }

    static Task NotFound(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_app is null) return;
        await _app.StopAsync(cancellationToken);
        await _app.DisposeAsync();
    }

    [LoggerMessage(70, LogLevel.Information, "Metrics are served on {Urls}")]
    partial void Serves(string urls);
}
