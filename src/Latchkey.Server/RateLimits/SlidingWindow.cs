namespace Latchkey.Server.RateLimits;

/// <summary>
/// The requests of one client in the last 60 seconds, as a ring of (time, count) pairs: no more than
/// the limit in <em>any</em> 60 seconds, which a fixed window does not give. Times are milliseconds.
/// Not thread-safe: its owner holds a lock.
/// </summary>
sealed class SlidingWindow
{
    public const int Length = 60_000;

    // Past this limit, times are rounded up to 60 ms, so that a ring holds 1,000 pairs at the most.
    const int ExactUpTo = 256;
    const int Step = 60;

    (long At, int Count)[] _ring = new (long, int)[2];
    int _oldest;
    int _pairs;
    int _total;

    public int Used(long now)
    {
        while (_pairs > 0 && now - _ring[_oldest].At >= Length)
        {
            _total -= _ring[_oldest].Count;
            _oldest = (_oldest + 1) % _ring.Length;
            _pairs--;
        }

        return _total;
    }

    public void Add(long now, int limit, int count = 1)
    {
        var at = limit <= ExactUpTo ? now : (now + Step - 1) / Step * Step;
        _total += count;
        if (_pairs > 0 && _ring[Newest].At == at)
        {
            _ring[Newest].Count += count;
            return;
        }

        if (_pairs == _ring.Length) Grow();
        _ring[(_oldest + _pairs) % _ring.Length] = (at, count);
        _pairs++;
    }

    /// <summary>Milliseconds until one more fits, given that the limit is reached.</summary>
    public int UntilOneFree(long now) => _pairs == 0 ? 0 : (int)(_ring[_oldest].At + Length - now);

    /// <summary>Milliseconds until nothing is counted any more.</summary>
    public int UntilAllFree(long now) => _pairs == 0 ? 0 : (int)(_ring[Newest].At + Length - now);

    int Newest => (_oldest + _pairs - 1) % _ring.Length;

    void Grow()
    {
        var larger = new (long, int)[_ring.Length * 2];
        for (var i = 0; i < _pairs; i++) larger[i] = _ring[(_oldest + i) % _ring.Length];
        (_ring, _oldest) = (larger, 0);
    }
}
