using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Net;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.RateLimits;

namespace Latchkey.Server.Admin.Api;

/// <summary>What an API key is good for, as it is stored now.</summary>
sealed record ApiKeyFacts(long Id, string Name, IReadOnlySet<string> Scopes, IReadOnlyList<IPNetwork> Networks, DateTimeOffset? ExpiresAt, bool IsRevoked)
{
    public bool IsGoodFrom(IPAddress? address) =>
        Networks.Count == 0 || (address is not null && Networks.Any(network => network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)));
}

/// <summary>Finds an API key, without a cache: a revoked one is refused from the next request on.</summary>
sealed class ApiKeyLookup(Database database, WriteQueue writes, TimeProvider clock) : IDisposable
{
    const string Sql = "SELECT id, name, scopes, networks, expires_at, revoked_at FROM api_keys WHERE hash = $1";
    const string UsedSql = "UPDATE api_keys SET last_used_at = $2, last_used_from = $3 WHERE id = $1";

    static readonly TimeSpan NoteEvery = TimeSpan.FromMinutes(1);

    readonly Lookup _keys = database.Prepare(Sql, LookupKey.Bytes);
    readonly ConcurrentDictionary<long, DateTimeOffset> _noted = [];

    public ValueTask<ApiKeyFacts?> Find(string key) => _keys.Read(
        ApiKeyOperations.HashOf(key), static row => new ApiKeyFacts(
            row.Long(0), row.Text(1), row.Text(2).Split(' ').ToFrozenSet(),
            [.. row.TextOrNull(3)?.Split(' ').Select(text => IPNetwork.Parse(text)) ?? []], row.TimeOrNull(4), !row.IsNull(5)));

    /// <summary>Last use, to the minute. Nothing waits for it.</summary>
    public void Used(ApiKeyFacts key, ClientAddress from)
    {
        var now = clock.GetUtcNow();
        if (_noted.TryGetValue(key.Id, out var last) && (now - last).Duration() < NoteEvery) return;
        _noted[key.Id] = now;
        _ = Note(key.Id, now, from.ToString());
    }

    async Task Note(long id, DateTimeOffset at, string from)
    {
        try
        {
            await writes.Run(UsedSql, id, UnixMicroseconds.From(at), from);
        }
        catch (StoreUnavailableException)
        {
            _noted.TryRemove(id, out _);
        }
    }

    public void Dispose() => _keys.Dispose();
}
