using System.Globalization;

namespace Latchkey.Server.RateLimits;

/// <summary>Tells a client what is left of its limit: the usual <c>X-RateLimit-*</c>, and the IETF's <c>RateLimit</c> fields.</summary>
/// <param name="policy">Its name: what is counted.</param>
/// <param name="limit">Requests in 60 seconds.</param>
/// <param name="clock">For the time at which all is free again.</param>
sealed class RateLimitHeaders(string policy, int limit, TimeProvider clock)
{
    readonly string _limit = limit.ToString(CultureInfo.InvariantCulture);
    readonly string _policy = $"\"{policy}\";q={limit};w=60";

    /// <param name="headers">Of the answer.</param>
    /// <param name="remaining">Requests that fit now.</param>
    /// <param name="wait">Milliseconds until all is free.</param>
    public void Set(IHeaderDictionary headers, int remaining, int wait)
    {
        var left = remaining.ToString(CultureInfo.InvariantCulture);
        var reset = (clock.GetUtcNow().ToUnixTimeMilliseconds() + wait + 999) / 1000;
        headers["X-RateLimit-Limit"] = _limit;
        headers["X-RateLimit-Remaining"] = left;
        headers["X-RateLimit-Reset"] = reset.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Policy"] = _policy;
        headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"{policy}\";r={left};t={Seconds(wait)}");
    }

    public static void SetRetryAfter(IHeaderDictionary headers, int wait) => headers.RetryAfter = Seconds(wait).ToString(CultureInfo.InvariantCulture);

    /// <summary>Whole seconds, rounded up, never 0.</summary>
    static int Seconds(int milliseconds) => Math.Max(1, (milliseconds + 999) / 1000);
}
