using System.ComponentModel;
using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Mvc;

namespace Latchkey.Server.Admin.Api;

/// <summary>Which time, and which product.</summary>
sealed class PeriodQuery
{
    [FromQuery(Name = "from"), Description("A date or a time; usual is 30 days ago")]
    public string? From { get; init; }

    [FromQuery(Name = "to"), Description("A date (through its end) or a time; usual is now")]
    public string? To { get; init; }

    [FromQuery(Name = "product_id"), Description("Of this product alone")]
    public long? ProductId { get; init; }

    internal DateTimeOffset? Begin => Read(From, "from", endOfDay: false);
    internal DateTimeOffset? End => Read(To, "to", endOfDay: true);

    /// <summary>Not at the ends of the calendar, where there is no day before or after.</summary>
    static DateTimeOffset? Read(string? text, string name, bool endOfDay) =>
        Times.Read(text, name, endOfDay) is not { } time ? null
        : time.Year is >= 1970 and < 9000 ? time
        : throw OperationException.Invalid(name, $"{name} must be in the years 1970 to 8999.");
}

static class StatisticsEndpoints
{
    public static void Map(RouteGroupBuilder statistics)
    {
        statistics.MapGet("/series", (Statistics numbers, [FromQuery(Name = "period"), Description("hour, day or month; usual is day")] string? period, [AsParameters] PeriodQuery query) =>
                numbers.Series(PeriodOf(period), query.Begin, query.End, query.ProductId))
            .WithName("getSeries").WithSummary("Verifications and downloads over time").Needs(Permission.StatisticsRead).Heavy();
        statistics.MapGet("/outcomes", (Statistics numbers, TimeProvider clock, [AsParameters] PeriodQuery query) => numbers.Outcomes(Begin(query, clock), End(query, clock), query.ProductId))
            .WithName("getOutcomes").WithSummary("Requests by what came of them").Needs(Permission.StatisticsRead).Heavy();
        statistics.MapGet("/top-products", (Statistics numbers, TimeProvider clock, int? limit, [AsParameters] PeriodQuery query) => numbers.TopProducts(Begin(query, clock), End(query, clock), Rows(limit)))
            .WithName("getTopProducts").WithSummary("The products that were used most").Needs(Permission.StatisticsRead).Heavy();
        statistics.MapGet("/licenses", (Statistics numbers, [FromQuery(Name = "product_id")] long? product) => numbers.LicensesByState(product))
            .WithName("getLicenseCounts").WithSummary("Licenses by state").Needs(Permission.StatisticsRead).Heavy();
        statistics.MapGet("/expiring", (Statistics numbers, [FromQuery(Name = "within_days"), Description("1 to 3650; usual is 30")] int? days, int? limit) => numbers.ExpiringSoon(Days(days), Rows(limit)))
            .WithName("getExpiringLicenses").WithSummary("What is about to expire").Needs(Permission.StatisticsRead).Heavy();
        statistics.MapGet("/attention", (Statistics numbers, TimeProvider clock) => numbers.Attention(clock.GetUtcNow()))
            .WithName("getAttention").WithSummary("What needs somebody, the gravest first").Needs(Permission.StatisticsRead).Heavy();
    }

    static DateTimeOffset Begin(PeriodQuery query, TimeProvider clock) => query.Begin ?? clock.GetUtcNow().AddDays(-30);

    static DateTimeOffset End(PeriodQuery query, TimeProvider clock) => query.End ?? clock.GetUtcNow();

    static int Rows(int? limit) => limit is null ? 10 : limit is >= 1 and <= PageRequest.MaxLimit ? limit.Value : throw OperationException.Invalid("limit", $"limit must be 1 to {PageRequest.MaxLimit}.");

    static int Days(int? days) => days is null ? 30 : days is >= 1 and <= 3650 ? days.Value : throw OperationException.Invalid("within_days", "within_days must be 1 to 3650.");

    static SeriesPeriod PeriodOf(string? period) => period switch
    {
        null or "day" => SeriesPeriod.Day,
        "hour" => SeriesPeriod.Hour,
        "month" => SeriesPeriod.Month,
        _ => throw OperationException.Invalid("period", "period must be one of hour, day, month."),
    };
}
