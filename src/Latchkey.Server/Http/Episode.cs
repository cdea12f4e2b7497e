namespace Latchkey.Server.Http;

/// <summary>What happens again and again is told once: when it begins, and anew when there was none for a minute.</summary>
sealed class Episode(TimeProvider clock)
{
    static readonly long Silence = TimeSpan.FromMinutes(1).Ticks;

    long _last = long.MinValue / 2;

    /// <summary>It has happened.</summary>
    /// <returns>True if it is to be told.</returns>
    public bool Begins()
    {
        var now = clock.GetUtcNow().Ticks;
        return now - Interlocked.Exchange(ref _last, now) >= Silence;
    }
}
