using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Activity;

/// <summary>The figures, of known rows.</summary>
public sealed class StatisticsTests : IAsyncLifetime
{
    TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.Run();
        _server.AddProduct("One");
        _server.AddProduct("Two");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    static DateTimeOffset Utc(string text) => DateTimeOffset.Parse(text + "Z", System.Globalization.CultureInfo.InvariantCulture);

    T Ask<T>(Func<Statistics, T> question, Actor? actor = null)
    {
        using var work = UnitOfWork.Open(_server.Data, _server.Clock, actor ?? Actor.CommandLine());
        return question(new Statistics(work));
    }

    void Hour(string hour, long product, ActivityKind kind, string outcome, long count, long bytes = 0) => Tables.Execute(
        _server.Database(), $"INSERT INTO activity_hours VALUES ({UnixMicroseconds.From(Utc(hour))}, {product}, {(int)kind}, '{outcome}', {count}, {bytes})");

    void SomeHours()
    {
        Hour("2025-12-31T22:00", 1, ActivityKind.Verify, "OK", 5);
        Hour("2025-12-31T23:00", 1, ActivityKind.Verify, "OK", 1);
        Hour("2025-12-31T23:00", 2, ActivityKind.Verify, "OK", 2);
        Hour("2025-12-31T23:00", 2, ActivityKind.Verify, "DOMAIN_MISMATCH", 4);
        Hour("2025-12-31T23:00", 0, ActivityKind.Verify, "RATE_LIMITED", 8);
        Hour("2025-12-31T23:00", 1, ActivityKind.Mint, "OK", 16);
        Hour("2025-12-31T23:00", 1, ActivityKind.Mint, "NO_DOWNLOADABLE_FILE", 32);
        Hour("2025-12-31T23:00", 1, ActivityKind.Download, "OK", 64, 1000);
        Hour("2025-12-31T23:00", 1, ActivityKind.Download, "INTERRUPTED", 128, 200);
        Hour("2025-12-31T23:00", 1, ActivityKind.Download, "PARTIAL", 256, 30);
        Hour("2025-12-31T23:00", 0, ActivityKind.Dropped, "DETAIL", 512);
        Hour("2026-01-01T00:00", 1, ActivityKind.Verify, "OK", 7);
    }

    [Fact]
    public void A_series_of_hours_has_every_hour_and_every_number()
    {
        SomeHours();
        var series = Ask(s => s.Series(SeriesPeriod.Hour));
        Assert.Equal(("hour", "2025-12-30T01:00:00.000000Z", "2026-01-01T01:00:00.000000Z"), (series.Period, series.From, series.To));
        Assert.Equal(48, series.Points.Count);
        Assert.Equal(new SeriesPoint("2025-12-31T21:00:00.000000Z", 0, 0, 0, 0, 0, 0, 0), series.Points[^4]);
        Assert.Equal(new SeriesPoint("2025-12-31T22:00:00.000000Z", 5, 0, 0, 0, 0, 0, 0), series.Points[^3]);
        Assert.Equal(new SeriesPoint("2025-12-31T23:00:00.000000Z", 3, 36, 8, 16, 64, 128, 1230), series.Points[^2]);
        Assert.Equal(new SeriesPoint("2026-01-01T00:00:00.000000Z", 7, 0, 0, 0, 0, 0, 0), series.Points[^1]);
    }

    [Fact]
    public void A_series_of_days_and_of_months_begins_at_midnight_UTC()
    {
        SomeHours();
        Hour("2025-01-31T23:00", 1, ActivityKind.Verify, "OK", 100);
        Hour("2025-02-01T00:00", 1, ActivityKind.Verify, "OK", 1000);
        var days = Ask(s => s.Series(SeriesPeriod.Day)).Points;
        Assert.Equal((30, "2025-12-03T00:00:00.000000Z"), (days.Count, days[0].At));
        Assert.Equal([8, 7], days.TakeLast(2).Select(p => p.Verified));
        var months = Ask(s => s.Series(SeriesPeriod.Month)).Points;
        Assert.Equal((12, "2025-02-01T00:00:00.000000Z"), (months.Count, months[0].At));
        Assert.Equal([1000L, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 7], months.Select(p => p.Verified));
    }

    [Fact]
    public void A_series_is_of_one_product_if_asked_and_of_the_time_asked_for()
    {
        SomeHours();
        var points = Ask(s => s.Series(SeriesPeriod.Hour, Utc("2025-12-31T22:59"), Utc("2026-01-01T00:00"), 2)).Points;
        Assert.Equal([("2025-12-31T22:00:00.000000Z", 0L), ("2025-12-31T23:00:00.000000Z", 2L)], points.Select(p => (p.At, p.Verified)));
        Assert.Throws<OperationException>(() => Ask(s => s.Series(SeriesPeriod.Hour, Utc("2026-01-01T01:00"), Utc("2026-01-01T00:00"))));
        Assert.Throws<OperationException>(() => Ask(s => s.Series(SeriesPeriod.Hour, Utc("2020-01-01T00:00"), Utc("2026-01-01T00:00"))));
    }

    [Fact]
    public void Outcomes_are_counted_by_kind()
    {
        SomeHours();
        var outcomes = Ask(s => s.Outcomes(Utc("2025-12-31T23:00"), Utc("2026-01-01T00:00"), 1));
        Assert.Equal(
            [
                new OutcomeView("download", "PARTIAL", 256, 30), new OutcomeView("download", "INTERRUPTED", 128, 200), new OutcomeView("download", "OK", 64, 1000),
                new OutcomeView("mint", "NO_DOWNLOADABLE_FILE", 32, 0), new OutcomeView("mint", "OK", 16, 0), new OutcomeView("verify", "OK", 1, 0),
            ],
            outcomes);
        Assert.Equal(8, Ask(s => s.Outcomes(Utc("2025-01-01T00:00"), Utc("2026-02-01T00:00"))).Count);
    }

    [Fact]
    public void The_top_products_are_those_verified_most()
    {
        SomeHours();
        Assert.Equal(
            [new TopProductView(2, "Two", 2, 4, 0, 0, 0), new TopProductView(1, "One", 1, 32, 16, 64, 1230)],
            Ask(s => s.TopProducts(Utc("2025-12-31T23:00"), Utc("2026-01-01T00:00"))));
        Assert.Equal("One", Assert.Single(Ask(s => s.TopProducts(Utc("2025-12-31T22:00"), Utc("2026-01-01T00:00"), 1))).ProductName);
    }

    [Fact]
    public void Licenses_are_counted_by_their_state_now()
    {
        long Issue(long product, int? days) => _server.Operate(l => l.Issue(new IssueLicense(product, [], ExpiresAt: days is { } d ? TestServer.Start.AddDays(d) : null))).Id;
        foreach (var days in new int?[] { null, null, 10, 20, -1, -2, -3 }) Issue(1, days);
        _server.Operate(l => l.Suspend(Issue(1, null).ToString()));
        _server.Operate(l => l.Suspend(Issue(1, -5).ToString()));
        _server.Operate(l => l.Revoke(Issue(1, 30).ToString()));
        Issue(2, 5);
        Assert.Equal(new LicenseCountsView(11, 5, 2, 1, 3), Ask(s => s.LicensesByState()));
        Assert.Equal(new LicenseCountsView(10, 4, 2, 1, 3), Ask(s => s.LicensesByState(1)));
        Assert.Equal(new LicenseCountsView(0, 0, 0, 0, 0), Ask(s => s.LicensesByState(3)));
    }

    [Fact]
    public void Those_that_expire_soon_come_with_product_and_customer()
    {
        foreach (var days in new[] { 40, 20, 10, -1 })
        {
            _server.Operate(l => l.Issue(new IssueLicense(1, [], UserId: 500 + days, ExpiresAt: TestServer.Start.AddDays(days))));
        }

        _server.Operate(l => l.Issue(new IssueLicense(2, [])));
        _server.Operate(l => l.Suspend(l.Issue(new IssueLicense(2, [], ExpiresAt: TestServer.Start.AddDays(3))).Id.ToString()));
        Assert.Equal(
            [new ExpiringLicenseView(3, 1, "One", 510, "2026-01-11T00:00:00.000000Z"), new ExpiringLicenseView(2, 1, "One", 520, "2026-01-21T00:00:00.000000Z")],
            Ask(s => s.ExpiringSoon()));
        Assert.Equal(3, Assert.Single(Ask(s => s.ExpiringSoon(30, 1))).LicenseId);
    }

    [Fact]
    public async Task The_activity_of_a_license_comes_newest_first_page_by_page()
    {
        var key = _server.Issue(1, "*.example.com").LicenseKey;
        _server.Issue(1, "other.com");
        for (var i = 0; i < 7; i++)
        {
            await _server.Http.Verify(key, $"d{i}.example.com", 1);
            if (i % 2 == 0) _server.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        await _server.Counted(7);
        var all = Ask(s => s.LicenseActivity(1, new PageRequest()));
        Assert.Null(all.NextCursor);
        Assert.Equal(7, all.Items.Count);
        Assert.Equal(new ActivityView("verify", "OK", "d0.example.com", "127.0.0.1", "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z", 1), all.Items[^1]);
        Assert.Equal(all.Items.OrderByDescending(item => item.LastAt).Select(item => item.LastAt), all.Items.Select(item => item.LastAt));
        var (paged, cursor) = (new List<ActivityView>(), (string?)null);
        do
        {
            var page = Ask(s => s.LicenseActivity(1, new PageRequest(cursor, 2)));
            paged.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        Assert.Equal(all.Items, paged);
        Assert.Empty(Ask(s => s.LicenseActivity(2, new PageRequest())).Items);
        Assert.Throws<OperationException>(() => Ask(s => s.LicenseActivity(1, new PageRequest("nonsense"))));
    }

    [Fact]
    public void Whoever_may_not_look_sees_nothing()
    {
        Action<Statistics>[] questions =
        [
            s => s.Series(SeriesPeriod.Day), s => s.Outcomes(TestServer.Start, TestServer.Start), s => s.TopProducts(TestServer.Start, TestServer.Start),
            s => s.LicensesByState(), s => s.ExpiringSoon(), s => s.Attention(TestServer.Start), s => s.LicenseActivity(1, new PageRequest()),
        ];
        foreach (var question in questions)
        {
            var refused = Assert.Throws<OperationException>(() => Ask<object?>(
                s =>
                {
                    question(s);
                    return null;
                },
                Actor.Nobody("nobody", null, null)));
            Assert.Equal(OperationFault.Forbidden, refused.Fault);
        }
    }
}
