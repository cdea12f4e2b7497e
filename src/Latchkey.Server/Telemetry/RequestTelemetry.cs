using System.Diagnostics;
using Latchkey.Server.Admin.Panel;
using Latchkey.Server.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.StaticAssets;

namespace Latchkey.Server.Telemetry;

/// <summary>What is told of an answered request: of its path only the pattern that it met, and nothing that the client spelled.</summary>
static class RequestTelemetry
{
    const string Unmatched = "unmatched";

    static readonly HashSet<string> OurTags = ["http.request.method", "http.response.status_code", "http.route", "url.path", "url.scheme", "error.type", "latchkey.outcome"];

    /// <summary>What the client sent along stays here; parts of the trace would have it from the request.</summary>
    public static void Begin()
    {
        if (System.Diagnostics.Activity.Current is { } span) span.TraceStateString = null;
    }

    public static void Note(HttpContext context, Refusal? refusal, bool isGone)
    {
        var span = System.Diagnostics.Activity.Current;
        if (!Instruments.CountsRequests && span is null) return;
        var (route, outcome) = (RouteOf(context), isGone ? "CLIENT_GONE" : refusal?.Code ?? OutcomeOf(context.Response.StatusCode));
        if (Instruments.CountsRequests) Instruments.Request(route, outcome);
        if (span is { IsAllDataRequested: true }) Describe(span, context, route, outcome);
    }

    static string RouteOf(HttpContext context)
    {
        var endpoint = context.GetEndpoint() as RouteEndpoint;
        if (!context.Request.Path.StartsWithSegments(PanelHost.Path)) return endpoint?.RoutePattern.RawText ?? Unmatched;
        if (endpoint?.Metadata.GetMetadata<StaticAssetDescriptor>() is null) return endpoint is null ? Unmatched : PanelHost.Path + "/" + endpoint.RoutePattern.RawText?.TrimStart('/');

        // A hundred files would be a hundred routes.
        if (context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics) metrics.MetricsDisabled = true;
        return PanelHost.Path + "/assets";
    }

    static string OutcomeOf(int status) => status switch { < 400 => "OK", < 500 => "CLIENT_ERROR", _ => "SERVER_ERROR" };

    /// <summary>The names are those of OpenTelemetry's conventions for HTTP servers.</summary>
    static void Describe(System.Diagnostics.Activity span, HttpContext context, string route, string outcome)
    {
        var method = MethodOf(context.Request.Method);
        span.DisplayName = $"{(method == "_OTHER" ? "HTTP" : method)} {route}";
        span.SetTag("http.request.method", method).SetTag("http.route", route).SetTag("url.path", route).SetTag("url.scheme", context.Request.Scheme == "https" ? "https" : "http");
        span.SetTag("http.response.status_code", context.Response.StatusCode).SetTag("latchkey.outcome", outcome);
        foreach (var (name, _) in span.TagObjects.Where(tag => !OurTags.Contains(tag.Key)).ToList()) span.SetTag(name, null);
        if (context.Response.StatusCode >= 500) span.SetStatus(ActivityStatusCode.Error).SetTag("error.type", outcome);
    }

    static string MethodOf(string method) => method is "GET" or "HEAD" or "POST" or "PUT" or "PATCH" or "DELETE" or "OPTIONS" or "CONNECT" or "TRACE" ? method : "_OTHER";
}
