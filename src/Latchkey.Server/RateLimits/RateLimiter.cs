using Latchkey.Server.Configuration;
using Latchkey.Server.Http;

namespace Latchkey.Server.RateLimits;

/// <summary>
/// Two budgets per client address: one for all requests to verify and download together, and a
/// stricter one for wrong keys. When the second is used up nothing more is looked up for that address,
/// right key or wrong, so the answers tell a guesser nothing.
/// </summary>
/// <param name="settings">How many.</param>
/// <param name="shared">Counts for all nodes; null where each counts for itself.</param>
/// <param name="clock">Of this node.</param>
sealed class RateLimiter(RateLimitSettings settings, SharedBudgets? shared, TimeProvider clock)
{
    // A request waits for Redis once.
    static readonly object Waited = new();

    readonly Budget<ClientAddress> _requests = new(settings.RequestsPerMinute, clock);
    readonly Budget<ClientAddress> _failures = new(settings.FailuresPerMinute, clock);
    readonly RateLimitHeaders _headers = new("ip", settings.RequestsPerMinute, clock);

    public int Clients => _requests.Clients + _failures.Clients;

    /// <summary>Forgets clients with nothing counted.</summary>
    /// <returns>How many.</returns>
    public int Sweep() => _requests.Sweep() + _failures.Sweep();

    /// <summary>Counts the request and sets the headers.</summary>
    /// <returns>Null if it may go on.</returns>
    public ValueTask<Refusal?> Admit(HttpContext context) =>
        shared is null ? ValueTask.FromResult(Answer(context, Here(ClientAddress.Of(context)))) : AdmitOverAll(context, shared);

    async ValueTask<Refusal?> AdmitOverAll(HttpContext context, SharedBudgets all)
    {
        var client = ClientAddress.Of(context);
        if (await all.Count(client, isFailure: false) is not { } counted)
        {
            context.Items[Waited] = Waited;
            return Answer(context, Here(client));
        }

        // Should Redis not answer the next time, the count goes on here, not from nothing.
        _requests.Learn(client, counted.Requests.Limit - counted.Requests.Remaining);
        _failures.Learn(client, counted.Failures.Limit - counted.Failures.Remaining);
        return Answer(context, counted);
    }

    (Balance Requests, Balance Failures) Here(ClientAddress client)
    {
        var failures = _failures.Look(client);
        return (failures.Allowed ? _requests.Take(client) : _requests.Look(client), failures);
    }

    Refusal? Answer(HttpContext context, (Balance Requests, Balance Failures) balance)
    {
        var (requests, failures) = balance;
        var guessing = !failures.Allowed;
        if (!_requests.IsOff) Tell(context.Response.Headers, requests, guessing ? failures : default);
        if (!guessing && requests.Allowed) return null;

        // Nothing is counted of who is refused: what still has room says 0.
        RateLimitHeaders.SetRetryAfter(context.Response.Headers, Math.Max(failures.UntilOneFree, requests.UntilOneFree));
        return guessing ? Wire.TooManyWrongKeys : Wire.RateLimited;
    }

    /// <summary>A wrong key was presented.</summary>
    public async ValueTask CountFailure(HttpContext context)
    {
        var client = ClientAddress.Of(context);
        if (shared is null || context.Items.ContainsKey(Waited) || await shared.Count(client, isFailure: true) is null) _failures.Take(client);
    }

    void Tell(IHeaderDictionary headers, Balance requests, Balance failures) =>
        _headers.Set(headers, failures.Limit > 0 ? 0 : requests.Remaining, Math.Max(requests.UntilAllFree, failures.UntilAllFree));
}
