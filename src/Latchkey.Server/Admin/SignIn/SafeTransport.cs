using System.Net;
using Latchkey.Server.Admin.SignIn.Pages;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>The panel is reached over HTTPS, or over plain HTTP from this very machine.</summary>
sealed class SafeTransport(RequestDelegate next)
{
    static readonly string[] SignsOfAProxy = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"];

    public Task InvokeAsync(HttpContext context) =>
        context.Request.IsHttps || IsLocal(context) ? next(context) : Page.Message(context, 403, "HTTPS is needed", UseHttps);

    public const string UseHttps =
        "The admin panel can be used over HTTPS only, or over plain HTTP from the machine it runs on (http://localhost). "
        + "Put a reverse proxy with a certificate in front, name it in the setting TrustedProxies, and let it send X-Forwarded-For and X-Forwarded-Proto.";

    /// <summary>A proxy on this machine that is not in TrustedProxies would look local too: what it adds gives it away.</summary>
    static bool IsLocal(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && (context.Request.Host.Host is "localhost" or "127.0.0.1" or "[::1]")
        && !SignsOfAProxy.Any(context.Request.Headers.ContainsKey);
}
