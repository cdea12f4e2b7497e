using System.Globalization;
using Latchkey.Server.Configuration;
using Latchkey.Server.Http;

namespace Latchkey.Server.RateLimits;

/// <summary>
/// Two budgets per client address: one for all requests to verify and download together, and a
/// stricter one for wrong keys. When the second is used up nothing more is looked up for that address,
/// right key or wrong, so the answers tell a guesser nothing.
/// </summary>
sealed class RateLimiter(RateLimitSettings settings, TimeProvider clock)
{
    readonly Budget _requests = new(settings.RequestsPerMinute, clock);
    readonly Budget _failures = new(settings.FailuresPerMinute, clock);
    readonly string _limit = settings.RequestsPerMinute.ToString(CultureInfo.InvariantCulture);
    readonly string _policy = $"\"ip\";q={settings.RequestsPerMinute};w=60";

    public int Clients => _requests.Clients + _failures.Clients;

    /// <summary>Counts the request and sets the headers.</summary>
    /// <returns>Null if it may go on.</returns>
    public Refusal? Admit(HttpContext context)
    {
        var client = ClientAddress.Of(context);
        var failures = _failures.Look(client);
        var guessing = !failures.Allowed;
        var requests = guessing ? _requests.Look(client) : _requests.Take(client);
        if (!_requests.IsOff) Tell(context.Response.Headers, requests, guessing ? failures : default);
        if (!guessing && requests.Allowed) return null;
        var wait = Math.Max(guessing ? failures.UntilOneFree : 0, requests.Allowed ? 0 : requests.UntilOneFree);
        context.Response.Headers.RetryAfter = Seconds(wait).ToString(CultureInfo.InvariantCulture);
        return guessing ? Wire.TooManyWrongKeys : Wire.RateLimited;
    }

    /// <summary>A wrong key was presented.</summary>
    public void CountFailure(HttpContext context) => _failures.Take(ClientAddress.Of(context));

    void Tell(IHeaderDictionary headers, Balance requests, Balance failures)
    {
        var remaining = failures.Limit > 0 ? 0 : requests.Remaining;
        var wait = Math.Max(requests.UntilAllFree, failures.UntilAllFree);
        var seconds = Seconds(wait);
        var left = remaining.ToString(CultureInfo.InvariantCulture);
        var reset = (clock.GetUtcNow().ToUnixTimeMilliseconds() + wait + 999) / 1000;
        headers["X-RateLimit-Limit"] = _limit;
        headers["X-RateLimit-Remaining"] = left;
        headers["X-RateLimit-Reset"] = reset.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Policy"] = _policy;
        headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"ip\";r={left};t={seconds}");
    }

    /// <summary>Whole seconds, rounded up, never 0.</summary>
    static int Seconds(int milliseconds) => Math.Max(1, (milliseconds + 999) / 1000);
}
