namespace Latchkey.Server.RateLimits;

/// <summary>Whether limits are counted over all nodes, for who looks at the overview.</summary>
sealed class LimitsHealth
{
    long _since;

    /// <summary>Since when this node counts for itself, because Redis does not answer; null: as it was set.</summary>
    public DateTimeOffset? PerNodeSince => Interlocked.Read(ref _since) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <returns>False if it was so already.</returns>
    public bool Fell(DateTimeOffset now) => Interlocked.CompareExchange(ref _since, now.UtcTicks, 0) == 0;

    /// <returns>False if it was so already.</returns>
    public bool Returned() => Interlocked.Exchange(ref _since, 0) != 0;
}
