using System.Globalization;
using Microsoft.AspNetCore.Http.Features;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>
/// Over HTTPS every cookie of the panel is a <c>__Host-</c> cookie, which no sibling domain and no plain HTTP can plant;
/// over plain HTTP, which is for this machine alone, browsers would refuse that name; there it ends with the port, which browsers
/// do not tell apart. Whoever sets a cookie needs to know of none of it.
/// </summary>
sealed class HostCookies(RequestDelegate next)
{
    const string Prefix = "__Host-";

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        var port = request.IsHttps ? null : string.Create(CultureInfo.InvariantCulture, $"-{request.Host.Port ?? 80}");
        request.Headers.Cookie = Ours(request.Headers.Cookie, port);
        context.Features.Set<IResponseCookiesFeature>(new Answered(new Renaming(context.Response.Cookies, port)));
        return next(context);
    }

    /// <summary>What is named as we name it, under its own name, and nothing else.</summary>
    /// <param name="headers">As they came.</param>
    /// <param name="port">What plain names end with; null over HTTPS.</param>
    static string Ours(IEnumerable<string?> headers, string? port) => string.Join("; ", headers
        .SelectMany(header => (header ?? "").Split(';', StringSplitOptions.TrimEntries))
        .Select(pair => pair.Split('=', 2))
        .Where(pair => pair.Length == 2 && (port is null ? pair[0].StartsWith(Prefix, StringComparison.Ordinal) : pair[0].EndsWith(port, StringComparison.Ordinal)))
        .Select(pair => $"{(port is null ? pair[0][Prefix.Length..] : pair[0][..^port.Length])}={pair[1]}"));

    sealed class Answered(IResponseCookies cookies) : IResponseCookiesFeature
    {
        public IResponseCookies Cookies { get; } = cookies;
    }

    sealed class Renaming(IResponseCookies inner, string? port) : IResponseCookies
    {
        public void Append(string key, string value) => Append(key, value, new CookieOptions());
        public void Append(string key, string value, CookieOptions options) => inner.Append(Name(key), value, Strict(options));
        public void Delete(string key) => Delete(key, new CookieOptions());
        public void Delete(string key, CookieOptions options) => inner.Delete(Name(key), Strict(options));

        string Name(string key) => port is null ? Prefix + key : key + port;

        CookieOptions Strict(CookieOptions options) => new(options)
        {
            Domain = null,
            Path = "/",
            Secure = port is null,
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
        };
    }
}
