namespace Latchkey.Server.RateLimits;

/// <summary>What one client has left of a budget. Durations are milliseconds.</summary>
readonly record struct Balance(bool Allowed, int Limit, int Remaining, int UntilOneFree, int UntilAllFree);

/// <summary>
/// A number of requests in any 60 seconds, per client (an address, an API key); 0 is no limit. Memory is bounded: clients
/// with nothing counted are forgotten, and past <see cref="Capacity"/> clients within a minute those that
/// were longest silent.
/// </summary>
sealed class Budget<TClient>(int limit, TimeProvider clock)
    where TClient : notnull
{
    /// <summary>Clients remembered at once, in all shards together: up to 100 MB for one request each.</summary>
    public const int Capacity = 1 << 19;

    const int Shards = 64;

    readonly Shard[] _shards = Enumerable.Range(0, Shards).Select(_ => new Shard()).ToArray();
    readonly long _epoch = clock.GetTimestamp();

    public bool IsOff => limit == 0;
    public int Clients => _shards.Sum(shard => shard.Count);

    /// <summary>Counts one request if it fits, and says what is left.</summary>
    public Balance Take(TClient client) => Visit(client, take: true);

    /// <summary>Says what is left without counting.</summary>
    public Balance Look(TClient client) => Visit(client, take: false);

    /// <summary>So many were counted elsewhere, of which this process saw only some.</summary>
    public void Learn(TClient client, int used)
    {
        if (IsOff || used == 0) return;
        var now = (long)clock.GetElapsedTime(_epoch).TotalMilliseconds;
        var shard = _shards[(uint)client.GetHashCode() % Shards];
        lock (shard) shard.Learn(client, now, limit, used);
    }

    /// <summary>Where nobody comes any more, nobody else turns the generations.</summary>
    /// <returns>How many clients were forgotten.</returns>
    public int Sweep()
    {
        var (now, before) = ((long)clock.GetElapsedTime(_epoch).TotalMilliseconds, Clients);
        foreach (var shard in _shards) shard.Sweep(now);
        return before - Clients;
    }

    Balance Visit(TClient client, bool take)
    {
        if (IsOff) return new Balance(true, 0, 0, 0, 0);
        var now = (long)clock.GetElapsedTime(_epoch).TotalMilliseconds;
        var shard = _shards[(uint)client.GetHashCode() % Shards];
        lock (shard) return shard.Visit(client, now, limit, take);
    }

    /// <summary>
    /// Two generations: whoever is seen moves into the younger one. They turn over every minute, when all that
    /// the older holds has run out, and earlier only when the younger is full; in a shard that nobody visits, by a look every minute.
    /// </summary>
    sealed class Shard
    {
        Dictionary<TClient, SlidingWindow> _young = [];
        Dictionary<TClient, SlidingWindow> _old = [];
        long _turned;

        public int Count
        {
            get { lock (this) return _young.Count + _old.Count; }
        }

        public Balance Visit(TClient client, long now, int limit, bool take)
        {
            if (now - _turned >= SlidingWindow.Length || _young.Count >= Capacity / Shards / 2) Turn(now);
            if (Find(client, orMake: take) is not { } window) return new Balance(true, limit, limit, 0, 0);
            var allowed = window.Used(now) < limit;
            if (allowed && take) window.Add(now, limit);
            var used = window.Used(now);
            return new Balance(
                allowed, limit, limit - used, used < limit ? 0 : window.UntilOneFree(now), window.UntilAllFree(now));
        }

        public void Learn(TClient client, long now, int limit, int used)
        {
            if (now - _turned >= SlidingWindow.Length || _young.Count >= Capacity / Shards / 2) Turn(now);
            var window = Find(client, orMake: true)!;
            if (used - window.Used(now) is > 0 and var missing) window.Add(now, limit, missing);
        }

        public void Sweep(long now)
        {
            lock (this)
            {
                if (now - _turned >= SlidingWindow.Length) Turn(now);
            }
        }

        SlidingWindow? Find(TClient client, bool orMake)
        {
            if (_young.TryGetValue(client, out var window)) return window;
            if (!_old.Remove(client, out window) && !orMake) return null;
            return _young[client] = window ?? new SlidingWindow();
        }

        void Turn(long now)
        {
            var idle = now - _turned >= 2 * SlidingWindow.Length;
            (_old, _young, _turned) = (idle ? [] : _young, [], now);
        }
    }
}
