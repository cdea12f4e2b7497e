using System.Collections;
using System.Diagnostics.CodeAnalysis;
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
        if (secure) context.Features.Set<IRequestCookiesFeature>(new Asked(new Unprefixed(context.Request.Cookies)));
        context.Features.Set<IResponseCookiesFeature>(new Answered(new Prefixing(context.Response.Cookies, secure)));
        return next(context);
    }

    sealed class Asked(IRequestCookieCollection cookies) : IRequestCookiesFeature
    {
        public IRequestCookieCollection Cookies { get; set; } = cookies;
    }

    sealed class Answered(IResponseCookies cookies) : IResponseCookiesFeature
    {
        public IResponseCookies Cookies { get; } = cookies;
    }

    /// <summary>Only what has the prefix is there, without it.</summary>
    sealed class Unprefixed(IRequestCookieCollection all) : IRequestCookieCollection
    {
        readonly Dictionary<string, string> _own = all
            .Where(pair => pair.Key.StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(pair => pair.Key[Prefix.Length..], pair => pair.Value, StringComparer.Ordinal);

        public string? this[string key] => _own.GetValueOrDefault(key);
        public int Count => _own.Count;
        public ICollection<string> Keys => _own.Keys;
        public bool ContainsKey(string key) => _own.ContainsKey(key);
        public bool TryGetValue(string key, [NotNullWhen(true)] out string? value) => _own.TryGetValue(key, out value);
        public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _own.GetEnumerator();
        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
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
