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
    readonly Budget<ClientAddress> _requests = new(settings.RequestsPerMinute, clock);
    readonly Budget<ClientAddress> _failures = new(settings.FailuresPerMinute, clock);
    readonly RateLimitHeaders _headers = new("ip", settings.RequestsPerMinute, clock);

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
        RateLimitHeaders.SetRetryAfter(context.Response.Headers, wait);
        return guessing ? Wire.TooManyWrongKeys : Wire.RateLimited;
    }

    /// <summary>A wrong key was presented.</summary>
    public void CountFailure(HttpContext context) => _failures.Take(ClientAddress.Of(context));

    void Tell(IHeaderDictionary headers, Balance requests, Balance failures) =>
        _headers.Set(headers, failures.Limit > 0 ? 0 : requests.Remaining, Math.Max(requests.UntilAllFree, failures.UntilAllFree));
}
