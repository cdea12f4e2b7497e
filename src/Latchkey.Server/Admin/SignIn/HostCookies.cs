using Microsoft.AspNetCore.Http.Features;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>
/// Over HTTPS every cookie of the panel is a <c>__Host-</c> cookie, which no sibling domain and no plain HTTP can plant;
/// over plain HTTP, which is for this machine alone, browsers would refuse that name. Whoever sets a cookie needs to know of neither.
/// </summary>
sealed class HostCookies(RequestDelegate next)
{
    const string Prefix = "__Host-";

    public Task InvokeAsync(HttpContext context)
    {
        var secure = context.Request.IsHttps;
        if (secure) context.Request.Headers.Cookie = Unprefixed(context.Request.Headers.Cookie);
        context.Features.Set<IResponseCookiesFeature>(new Answered(new Prefixing(context.Response.Cookies, secure)));
        return next(context);
    }

    /// <summary>What has the prefix, without it, and nothing else.</summary>
    static string Unprefixed(IEnumerable<string?> headers) => string.Join("; ", headers
        .SelectMany(header => (header ?? "").Split(';', StringSplitOptions.TrimEntries))
        .Where(pair => pair.StartsWith(Prefix, StringComparison.Ordinal))
        .Select(pair => pair[Prefix.Length..]));

    sealed class Answered(IResponseCookies cookies) : IResponseCookiesFeature
    {
        public IResponseCookies Cookies { get; } = cookies;
    }

    sealed class Prefixing(IResponseCookies inner, bool secure) : IResponseCookies
    {
        public void Append(string key, string value) => Append(key, value, new CookieOptions());
        public void Append(string key, string value, CookieOptions options) => inner.Append(Name(key), value, Strict(options));
        public void Delete(string key) => Delete(key, new CookieOptions());
        public void Delete(string key, CookieOptions options) => inner.Delete(Name(key), Strict(options));

        string Name(string key) => secure ? Prefix + key : key;

        CookieOptions Strict(CookieOptions options) => new(options)
        {
            Domain = null,
            Path = "/",
            Secure = secure,
            HttpOnly = true,
            SameSite = SameSiteMode.Strict,
        };
    }
}
