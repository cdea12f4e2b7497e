using System.Security.Cryptography;
using Scalar.AspNetCore;

namespace Latchkey.Server.ApiDocs;

/// <summary>
/// What the APIs are, for programs (<c>/openapi/license.json</c>, <c>/openapi/admin.json</c>) and for people
/// (<c>/docs</c>). All of it is made by the first request that asks.
/// </summary>
static class ApiDocuments
{
    // Styles: the page's script writes its own as <style>. Scripts: the package's files, and one inline by its nonce.
    const string Policy =
        "default-src 'none'; script-src 'self' 'nonce-{0}'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        + "connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void AddServices(IServiceCollection services) => AdminDocument.AddServices(services).AddSingleton<AdminDocument>();

    public static void Map(WebApplication app)
    {
        app.MapMethods("/openapi/license.json", ["GET", "HEAD"], context => Write(context, LicenseDocument.Text(context)));
        app.MapMethods("/openapi/admin.json", ["GET", "HEAD"],
            async context => await Write(context, await context.RequestServices.GetRequiredService<AdminDocument>().Text()));
        app.MapScalarApiReference("/docs", Configure);
    }

    static Task Write(HttpContext context, byte[] document)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = document.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(document).AsTask();
    }

    /// <summary>Nothing is asked of anybody else: no fonts, no telemetry, no assistant, no proxy.</summary>
    static void Configure(ScalarOptions page, HttpContext context)
    {
        var nonce = RandomNumberGenerator.GetHexString(32);
        context.Response.Headers.ContentSecurityPolicy = Policy.Replace("{0}", nonce, StringComparison.Ordinal);
        page.WithTitle("Latchkey: the APIs").WithOpenApiRoutePattern("/openapi/{documentName}.json").WithNonce(nonce);
        page.AddDocument("license", "License API", isDefault: true).AddDocument("admin", "Admin API");
        page.DisableDefaultFonts().DisableTelemetry().DisableAgent().DisableMcp().HideClientButton().HideDeveloperTools();
    }
}
