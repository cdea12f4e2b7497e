using Latchkey.Server.Data;

namespace Latchkey.Server.RateLimits;

/// <summary>After a flood of addresses the memory that they took goes back to the system, also if nobody comes any more.</summary>
sealed class LimiterSweep(RateLimiter limiter, TimeProvider clock) : PeriodicService(TimeSpan.FromMinutes(1), clock)
{
    /// <summary>So many are worth a collection that a server at rest would not begin by itself; what is left then is little, and the pause short.</summary>
    const int Flood = 100_000;

    protected override Task Do(CancellationToken stopping)
    {
        if (limiter.Sweep() >= Flood) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return Task.CompletedTask;
    }
}
