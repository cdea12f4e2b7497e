namespace Latchkey.Server.Http;

/// <summary>What happens again and again is told once: when it begins, and anew when there was none for a minute.</summary>
sealed class Episode(TimeProvider clock)
{
    static readonly TimeSpan Silence = TimeSpan.FromMinutes(1);

    long _last = clock.GetTimestamp() - (clock.TimestampFrequency * (long)Silence.TotalSeconds);

    /// <summary>It has happened.</summary>
    /// <returns>True if it is to be told.</returns>
    public bool Begins()
    {
        var now = clock.GetTimestamp();
        return clock.GetElapsedTime(Interlocked.Exchange(ref _last, now), now) >= Silence;
    }
}
