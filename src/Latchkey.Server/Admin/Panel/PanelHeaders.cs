using Latchkey.Server.Configuration;
using Latchkey.Server.Http;

namespace Latchkey.Server.Admin.Panel;

/// <summary>What every answer of the panel carries, and the refusal of requests that another site's page made.</summary>
sealed class PanelHeaders(RequestDelegate next, Settings settings)
{
    // Inline styles: the component library writes its theme and its positions as such. Scripts: only files of ours.
    const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        + "connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

    const string Foreign =
        "This request came from a page of another site, and was refused.\n"
        + "If it came from this panel: the proxy in front of Latchkey must be listed in TrustedProxies and pass the\n"
        + "host and the scheme on (X-Forwarded-Host, X-Forwarded-Proto), or PublicUrl must be set.\n";

    readonly string? _publicOrigin = settings.PublicUrl?.GetLeftPart(UriPartial.Authority);

    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XFrameOptions = "DENY";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";

        // Under no-referrer a browser sends "Origin: null" with our own forms.
        headers["Referrer-Policy"] = "same-origin";

        // Every page has links made of it.
        if (!HostHeader.FitsInUrl(context.Request)) return Refuse(context, StatusCodes.Status400BadRequest, "The Host header of this request is not the name of a server.\n");
        return IsOurs(context.Request) ? next(context) : Refuse(context, StatusCodes.Status403Forbidden, Foreign);
    }

    static Task Refuse(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text);
    }

    /// <summary>Relative links need the slash.</summary>
    public static Task WithSlash(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Path.HasValue) return next(context);
        context.Response.Redirect(context.Request.PathBase + "/" + context.Request.QueryString);
        return Task.CompletedTask;
    }

    /// <summary>A browser names the origin with every form, script call and web socket; it names none for a link.</summary>
    bool IsOurs(HttpRequest request)
    {
        foreach (var origin in request.Headers.Origin)
        {
            if (string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase)) continue;
            if (_publicOrigin is null || !string.Equals(origin, _publicOrigin, StringComparison.OrdinalIgnoreCase)) return false;
        }

        return true;
    }
}
