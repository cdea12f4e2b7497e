using Microsoft.Extensions.Time.Testing;

namespace Latchkey.Server.Tests.Support;

/// <summary>
/// A machine whose clock is set by somebody: the time of day jumps, while timers and durations go on evenly, as the system's
/// do.
/// </summary>
sealed class SetClock() : FakeTimeProvider(TestServer.Start)
{
    long _off;

    public void Jump(double hours) => Interlocked.Add(ref _off, TimeSpan.FromHours(hours).Ticks);

    public override long GetTimestamp() => base.GetUtcNow().Ticks;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _off));
}
