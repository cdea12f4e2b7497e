using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Hosting.StaticWebAssets;
using Microsoft.AspNetCore.StaticAssets;
using MudBlazor.Services;

namespace Latchkey.Server.Admin.Panel;

/// <summary>
/// The pages for operators, below <c>/admin</c>: a pipeline of its own, built by the first request that
/// asks for it. A server that only answers licenses pays one comparison of the path.
/// </summary>
static class PanelHost
{
    public const string Path = "/admin";
    const string Assets = "latchkey.staticwebassets.endpoints.json";

    public static void AddServices(IServiceCollection services, DataDirectory data)
    {
        services.AddRoutingCore();
        services.AddRazorComponents().AddInteractiveServerComponents(circuits =>
        {
            // Each holds its pages in memory; a browser that comes later loads the page anew.
            circuits.DisconnectedCircuitMaxRetained = 20;
            circuits.DisconnectedCircuitRetentionPeriod = TimeSpan.FromMinutes(2);
        });
        services.AddMudServices(mud =>
        {
            // At the top right it would lie on a page's own buttons; while it fades it cannot be read.
            mud.SnackbarConfiguration.PositionClass = MudBlazor.Defaults.Classes.Position.BottomRight;
            mud.SnackbarConfiguration.MaximumOpacity = 100;
            mud.SnackbarConfiguration.ShowTransitionDuration = 0;
            mud.SnackbarConfiguration.HideTransitionDuration = 0;
        });
        services.AddCascadingAuthenticationState();
        services.AddScoped<Office>();
        services.AddAuthorization();
    }

    public static void Map(WebApplication app, Settings settings)
    {
        UseFilesOfACheckout(app);
        var panel = new Lazy<RequestDelegate>(() => Build(app, settings));
        app.Map(Path, (IApplicationBuilder branch) => branch.Run(context => panel.Value(context)));
    }

    /// <summary>Not a branch of the main pipeline's builder: its routes would end in the main table.</summary>
    static RequestDelegate Build(WebApplication app, Settings settings)
    {
        var panel = new ApplicationBuilder(app.Services);
        panel.UseMiddleware<PanelHeaders>(settings);
        SignInHost.UseBeforeRouting(panel);
        panel.Use(PanelHeaders.WithSlash);
        panel.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandlingPath = "/failed", CreateScopeForErrors = true });
        panel.UseStatusCodePagesWithReExecute("/not-found", createScopeForStatusCodePages: true);
        panel.UseRouting();
        panel.Use(KeepAssets);
        SignInHost.UseAfterRouting(panel);
        panel.Use(PageNeedsAttribute.Check);
        panel.UseEndpoints(endpoints =>
        {
            SignInHost.Map(endpoints);
            endpoints.MapGet("/csrf-token", (HttpContext context, IAntiforgery forgery) => Results.Json(new { Token = forgery.GetAndStoreTokens(context).RequestToken }, SnakeJson.Options)).RequireAuthorization();
            endpoints.MapStaticAssets(System.IO.Path.Combine(AppContext.BaseDirectory, Assets)).AllowAnonymous();
            endpoints.MapRazorComponents<PanelDocument>().AddInteractiveServerRenderMode(server =>
            {
                // Secrets and a stranger's text in one compressed stream could be told apart by its length.
                server.DisableWebSocketCompression = true;
                server.ContentSecurityFrameAncestorsPolicy = null;
            }).RequireAuthorization();
        });
        return panel.Build();
    }

    /// <summary>Files of ours say themselves how long they may be kept; nothing else may be.</summary>
    static Task KeepAssets(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<StaticAssetDescriptor>() is not null)
        {
            context.Response.Headers.CacheControl = default;
            context.Response.Headers.Pragma = default;
        }

        return next(context);
    }

    /// <summary>A published program has its files in <c>wwwroot</c>; one just built names where they lie.</summary>
    static void UseFilesOfACheckout(WebApplication app)
    {
        if (!File.Exists(System.IO.Path.Combine(AppContext.BaseDirectory, "latchkey.staticwebassets.runtime.json"))) return;
        StaticWebAssetsLoader.UseStaticWebAssets(app.Environment, app.Configuration);
    }
}
