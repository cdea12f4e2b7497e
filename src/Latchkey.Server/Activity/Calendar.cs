namespace Latchkey.Server.Activity;

/// <summary>Hours, days and months, all of UTC.</summary>
static class Calendar
{
    public static string Name(SeriesPeriod period) => period.ToString().ToLowerInvariant();

    public static DateTimeOffset Floor(SeriesPeriod period, DateTimeOffset at)
    {
        at = at.ToUniversalTime();
        return period switch
        {
            SeriesPeriod.Hour => new DateTimeOffset(at.Year, at.Month, at.Day, at.Hour, 0, 0, TimeSpan.Zero),
            SeriesPeriod.Day => new DateTimeOffset(at.Year, at.Month, at.Day, 0, 0, 0, TimeSpan.Zero),
            _ => new DateTimeOffset(at.Year, at.Month, 1, 0, 0, 0, TimeSpan.Zero),
        };
    }

    public static DateTimeOffset Next(SeriesPeriod period, DateTimeOffset at) => Add(period, at, 1);

    public static DateTimeOffset Usual(SeriesPeriod period, DateTimeOffset end) =>
        Add(period, end, period switch { SeriesPeriod.Hour => -48, SeriesPeriod.Day => -30, _ => -12 });

    public static double Count(SeriesPeriod period, DateTimeOffset from, DateTimeOffset to) =>
        (to - from) / (period switch { SeriesPeriod.Hour => TimeSpan.FromHours(1), SeriesPeriod.Day => TimeSpan.FromDays(1), _ => TimeSpan.FromDays(31) });

    static DateTimeOffset Add(SeriesPeriod period, DateTimeOffset at, int count) => period switch
    {
        SeriesPeriod.Hour => at.AddHours(count),
        SeriesPeriod.Day => at.AddDays(count),
        _ => at.AddMonths(count),
    };
}
