using System.Globalization;
using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Panel.Components;
using Latchkey.Server.Backups;
using Latchkey.Server.Data;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Components;

namespace Latchkey.Server.Admin.Panel.Pages;

public sealed partial class Overview
{
    static readonly (string Value, string Words)[] Periods = [("hour", "Hours"), ("day", "Days"), ("month", "Months")];

    Figures? _figures;
    string? _shown;
    List<DateTimeOffset> _times = [];
    List<TimeChartSeries> _verifications = [];
    List<TimeChartSeries> _downloads = [];

    /// <summary>How far a new installation has come.</summary>
    sealed record Steps(long? Product, bool HasFile);

    sealed record Figures(
        SeriesView Series, LicenseCountsView Licenses, IReadOnlyList<OutcomeView> Outcomes, IReadOnlyList<TopProductView> Top,
        IReadOnlyList<ExpiringLicenseView> Expiring, IReadOnlyList<AttentionView> Attention, BackupsView Backups, Steps? FirstSteps = null);

    [Inject] Office Office { get; set; } = null!;
    [Inject] TimeProvider Clock { get; set; } = null!;

    [SupplyParameterFromQuery(Name = "period")] public string? Period { get; set; }

    string PeriodName => Period is "hour" or "month" ? Period : "day";

    string Since => PeriodName switch { "hour" => "The last 48 hours", "month" => "The last 12 months", _ => "The last 30 days" };

    string Format => PeriodName switch { "hour" => "MMM d HH:00", "month" => "MMM yyyy", _ => "MMM d" };

    protected override async Task OnParametersSetAsync()
    {
        if (_shown == PeriodName) return;
        _shown = PeriodName;
        var period = PeriodName switch { "hour" => SeriesPeriod.Hour, "month" => SeriesPeriod.Month, _ => SeriesPeriod.Day };
        var now = Clock.GetUtcNow();
        var figures = await Office.Read((Statistics statistics) => Read(statistics, period, now));
        if (figures.Licenses.Total == 0) figures = figures with { FirstSteps = await Office.Read((ProductOperations products) => StepsOf(products)) };
        Draw(figures.Series.Points);
        _figures = figures;
    }

    static Figures Read(Statistics statistics, SeriesPeriod period, DateTimeOffset now)
    {
        var series = statistics.Series(period, to: now);
        var (from, to) = (Time(series.From), Time(series.To));
        return new Figures(
            series, statistics.LicensesByState(), statistics.Outcomes(from, to), statistics.TopProducts(from, to, 8),
            statistics.ExpiringSoon(30, 8), statistics.Attention(now), statistics.Backups(now));
    }

    static Steps StepsOf(ProductOperations products)
    {
        var first = products.List(null, false, new PageRequest(null, 1)).Items;
        return first.Count == 0 ? new Steps(null, false) : new Steps(first[0].Id, first[0].File is not null);
    }

    void Draw(IReadOnlyList<SeriesPoint> points)
    {
        _times = [.. points.Select(point => Time(point.At))];
        _verifications = [Of("Verified", point => point.Verified), Of("Refused", point => point.Refused), Of("Over the limit", point => point.Limited)];
        _downloads = [Of("Finished", point => point.Downloads), Of("Interrupted", point => point.Interrupted)];

        TimeChartSeries Of(string name, Func<SeriesPoint, long> value) => new(name, [.. points.Select(point => (double)value(point))]);
    }

    static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal);
}
