using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Admin.Panel;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Admin.Status;
using Latchkey.Server.ApiDocs;
using Latchkey.Server.Backups;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Downloads;
using Latchkey.Server.Http;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Latchkey.Server.RateLimits;
using Latchkey.Server.Telemetry;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Latchkey.Server.Commands;

/// <summary>Puts the server together: the same for <c>latchkey serve</c> and for the tests, which bring a clock of their own.</summary>
static class Server
{
    /// <exception cref="DataDirectoryException">The data directory cannot be used.</exception>
    public static WebApplication Build(Settings settings, DataDirectory data, TimeProvider clock, Action<ILoggingBuilder>? logging = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ApplicationName = "latchkey", ContentRootPath = AppContext.BaseDirectory });
        // Ours are read already; the framework's own (ASPNETCORE_…) could trust any proxy or log whole URLs.
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection();
        builder.Logging.Configure(settings.Log);
        logging?.Invoke(builder.Logging);
        builder.WebHost.UseUrls(settings.Urls).ConfigureKestrel(kestrel =>
        {
            KestrelLimits.Apply(kestrel, settings);
            Connections.Watch(kestrel);
        });
        // Nothing on a request's way blocks for long: handing it from thread to thread would cost more than it does.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.Configure<HostOptions>(host =>
        {
            host.ShutdownTimeout = settings.ShutdownTimeout + settings.ShutdownDelay;

            // What runs beside the requests never takes them with it.
            host.BackgroundServiceExceptionBehavior = BackgroundServiceExceptionBehavior.Ignore;
        });
        AddServices(builder.Services, settings, data, clock);
        if (settings.Telemetry.IsOn) TelemetryHost.AddServices(builder, settings);

        // Who waits for a database server on a thread, as what an operator does may, must not keep customers from theirs.
        if (!data.Database.IsEmbedded) ThreadPool.SetMinThreads(64, 64);

        var app = builder.Build();

        // The framework would look for cookies in front of everything, the license API too; the panel does so in its own branch.
        foreach (var middleware in (string[])["__AuthenticationMiddlewareSet", "__AuthorizationMiddlewareSet"]) ((IApplicationBuilder)app).Properties[middleware] = true;

        // The first look-up makes SQLite's shared files, which a full disk would not let it make later.
        if (data.Database.IsEmbedded) app.Services.GetRequiredService<LicenseLookup>().Find("", clock.GetUtcNow()).AsTask().GetAwaiter().GetResult();
        if (settings.Blobs.Delivery == Delivery.Accel) app.Use(Delegation.OwnMarks);
        if (settings.TrustedProxies.Length > 0) app.UseForwardedHeaders(Proxies(settings));
        app.UseMiddleware<EveryAnswer>();
        PanelHost.Map(app, settings);
        app.UseRouting();
        app.UseWhen(context => context.Request.Path.StartsWithSegments("/api/admin"), admin => admin.UseMiddleware<HostCookies>().UseMiddleware<AdminDoor>());
        MapEndpoints(app);
        if (settings.Telemetry is { MetricsToken: { } token, MetricsUrls: [] }) MetricsPage.Map(app, token);
        return app;
    }

    static void AddServices(IServiceCollection services, Settings settings, DataDirectory data, TimeProvider clock)
    {
        services.AddSingleton(settings).AddSingleton(settings.RateLimit).AddSingleton(clock).AddSingleton(new ServerStart(clock.GetUtcNow()));
        services.AddSingleton<Connections>();
        services.AddSingleton(data.Secrets).AddSingleton(data.Database).AddSingleton(data.Blobs).AddSingleton(data.BlobHealth);
        services.AddSingleton(_ => data.Database.MakeWriteQueue());
        services.AddSingleton(data.LimitsHealth).AddSingleton<Readiness>().AddHostedService(all => all.GetRequiredService<Readiness>()).AddSingleton<Leases>();
        if (settings.Redis.Options is not null) services.AddSingleton(settings.Redis).AddSingleton<SharedBudgets>().AddHostedService(all => all.GetRequiredService<SharedBudgets>());
        services.AddSingleton(all => new RateLimiter(settings.RateLimit, all.GetService<SharedBudgets>(), clock));
        services.AddHostedService<LimiterSweep>();
        services.AddSingleton<LicenseLookup>().AddSingleton<LicenseDesk>().AddSingleton<VerifyLicense>();
        services.AddSingleton<ActivityBoard>().AddHostedService(all => all.GetRequiredService<ActivityBoard>()).AddHostedService<ActivitySweep>();
        services.AddSingleton<ReleaseLookup>().AddSingleton<CheckForUpdate>();
        services.AddSingleton<DownloadTokens>().AddSingleton<MintDownload>();
        AdminEndpoints.AddServices(services, data, clock);
        ApiDocuments.AddServices(services);
        services.AddSingleton<Delegation>().AddSingleton<FileTransfer>().AddSingleton<DownloadPlaces>().AddSingleton<ClaimDownload>().AddHostedService<TokenSweep>().AddHostedService<BlobSweep>().AddHostedService<BlobWatch>();
        services.AddSingleton<BackupHealth>().AddHostedService<BackupSchedule>();
        PanelHost.AddServices(services, data);

        // Last: it takes out what the others bring to load keys at every start.
        SignInHost.AddServices(services, data);
    }

    static void MapEndpoints(WebApplication app)
    {
        // Any method: a wrong one is counted by the limiter, and told which are right.
        app.Map("/api/license/verify", app.Services.GetRequiredService<VerifyLicense>().Handle);
        app.Map("/api/license/update", app.Services.GetRequiredService<CheckForUpdate>().Handle);
        app.Map("/api/license/download", app.Services.GetRequiredService<MintDownload>().Handle);
        app.Map("/api/license/download-file/{token}/{name?}", app.Services.GetRequiredService<ClaimDownload>().Handle);
        Readiness.Map(app);
        AdminEndpoints.Map(app);
        ApiDocuments.Map(app);
        app.MapGet("/", () => "Latchkey is running. The license API is at /api/license/verify. The APIs are described at /docs.\n");
    }

    static ForwardedHeadersOptions Proxies(Settings settings)
    {
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost,
            ForwardLimit = null,
        };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var network in settings.TrustedProxies) options.KnownIPNetworks.Add(network);
        return options;
    }
}
