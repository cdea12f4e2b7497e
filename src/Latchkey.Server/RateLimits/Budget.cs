using System.Runtime.InteropServices;

namespace Latchkey.Server.RateLimits;

/// <summary>What one client has left of a budget. Durations are milliseconds.</summary>
readonly record struct Balance(bool Allowed, int Limit, int Remaining, int UntilOneFree, int UntilAllFree);

/// <summary>
/// A number of requests in any 60 seconds, per client address; 0 is no limit. Memory is bounded:
/// clients with nothing counted are forgotten, and past <see cref="Capacity"/> clients at once
/// an arbitrary one is.
/// </summary>
sealed class Budget(int limit, TimeProvider clock)
{
    /// <summary>Clients remembered at once, in all shards together: about 70 MB.</summary>
    public const int Capacity = 1 << 19;

    const int Shards = 64;
    const int SweepEvery = 5_000;

    readonly Shard[] _shards = Enumerable.Range(0, Shards).Select(_ => new Shard()).ToArray();
    readonly long _epoch = clock.GetTimestamp();

    public int Limit => limit;
    public bool IsOff => limit == 0;
    public int Clients => _shards.Sum(shard => shard.Count);

    /// <summary>Counts one request if it fits, and says what is left.</summary>
    public Balance Take(ClientAddress client) => Visit(client, take: true);

    /// <summary>Says what is left without counting.</summary>
    public Balance Look(ClientAddress client) => Visit(client, take: false);

    Balance Visit(ClientAddress client, bool take)
    {
        if (IsOff) return new Balance(true, 0, 0, 0, 0);
        var now = (uint)(long)clock.GetElapsedTime(_epoch).TotalMilliseconds;
        var shard = _shards[(uint)client.GetHashCode() % Shards];
        lock (shard) return shard.Visit(client, now, limit, take);
    }

    sealed class Shard
    {
        readonly Dictionary<ClientAddress, SlidingWindow> _windows = [];
        uint _swept;

        public int Count
        {
            get { lock (this) return _windows.Count; }
        }

        public Balance Visit(ClientAddress client, uint now, int limit, bool take)
        {
            if (now - _swept >= SweepEvery) Sweep(now);
            if (!_windows.TryGetValue(client, out var window))
            {
                if (!take) return new Balance(true, limit, limit, 0, 0);
                window = Remember(client, now);
            }

            var allowed = window.Used(now) < limit;
            if (allowed && take) window.Add(now, limit);
            var used = window.Used(now);
            return new Balance(
                allowed, limit, limit - used, used < limit ? 0 : window.UntilOneFree(now), window.UntilAllFree(now));
        }

        SlidingWindow Remember(ClientAddress client, uint now)
        {
            if (_windows.Count >= Capacity / Shards) Sweep(now);
            if (_windows.Count >= Capacity / Shards) _windows.Remove(_windows.Keys.First());
            return CollectionsMarshal.GetValueRefOrAddDefault(_windows, client, out _) = new SlidingWindow();
        }

        void Sweep(uint now)
        {
            if (_swept == now) return;
            _swept = now;
            foreach (var (client, window) in _windows)
            {
                if (window.Used(now) == 0) _windows.Remove(client);
            }

            if (_windows.Capacity > 1024 && _windows.Count < _windows.Capacity / 4) _windows.TrimExcess();
        }
    }
}
