using System.Globalization;

namespace Latchkey.Server.Licenses;

/// <summary>Times as people type them.</summary>
static class Moment
{
    public const string Rule = "a date as 2027-01-31 or a time as 2027-01-31T12:00:00Z";

    static readonly string[] Times =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mmK",
    ];

    /// <summary>A time without an offset is UTC. A date alone is its first or its last moment.</summary>
    /// <returns>UTC, whole microseconds; null if it is neither.</returns>
    public static DateTimeOffset? Parse(string text, bool endOfDay)
    {
        const DateTimeStyles utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
        {
            var start = new DateTimeOffset(date.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
            return endOfDay ? start.AddTicks(TimeSpan.TicksPerDay - TimeSpan.TicksPerMicrosecond) : start;
        }

        return DateTimeOffset.TryParseExact(text, Times, CultureInfo.InvariantCulture, utc, out var time)
            ? time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond))
            : null;
    }
}
