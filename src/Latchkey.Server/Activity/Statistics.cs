using System.Data.Common;
using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Backups;
using Latchkey.Server.Data;
using Latchkey.Server.Http;

namespace Latchkey.Server.Activity;

/// <summary>What the charts and lists of the panel show. All times are UTC; a period begins in it and ends before its end.</summary>
sealed class Statistics(UnitOfWork work)
{
    public const int MostPoints = 2000;
    public const int MostRows = 200;

    // What is no refusal of ours: it went well, or the client broke off or asked for a part.
    const string Sums = """
        sum(CASE WHEN kind = 0 AND outcome = 'OK' THEN count ELSE 0 END),
        sum(CASE WHEN outcome IN ('OK', 'RATE_LIMITED', 'INTERRUPTED', 'PARTIAL') THEN 0 ELSE count END),
        sum(CASE WHEN outcome = 'RATE_LIMITED' THEN count ELSE 0 END),
        sum(CASE WHEN kind = 1 AND outcome = 'OK' THEN count ELSE 0 END),
        sum(CASE WHEN kind = 2 AND outcome = 'OK' THEN count ELSE 0 END),
        sum(CASE WHEN outcome = 'INTERRUPTED' THEN count ELSE 0 END),
        sum(bytes)
        """;

    const string Range = "kind <> 3 AND (CAST($1 AS bigint) IS NULL OR product_id = CAST($1 AS bigint))";

    /// <summary>The counts of a time: whole days from the days, what is left at both ends from the hours.</summary>
    static string Counts(DateTimeOffset from, DateTimeOffset to)
    {
        var first = Calendar.Floor(SeriesPeriod.Day, from.AddDays(1).AddTicks(-1));
        var last = Calendar.Floor(SeriesPeriod.Day, to);
        return first >= last ? $"({Part("hour", "activity_hours", from, to)})" : $"""
            ({Part("hour", "activity_hours", from, first)}
            UNION ALL {Part("day", "activity_days", first, last)}
            UNION ALL {Part("hour", "activity_hours", last, to)})
            """;
    }

    static string Part(string time, string table, DateTimeOffset from, DateTimeOffset to) => string.Create(CultureInfo.InvariantCulture,
        $"SELECT {time} AS at, product_id, kind, outcome, count, bytes FROM {table} WHERE {time} >= {UnixMicroseconds.From(from)} AND {time} < {UnixMicroseconds.From(to)}");

    readonly record struct Numbers(long Verified, long Refused, long Limited, long Minted, long Downloads, long Interrupted, long Bytes)
    {
        public static Numbers Read(DbDataReader row, int at) => new(
            row.GetInt64(at), row.GetInt64(at + 1), row.GetInt64(at + 2), row.GetInt64(at + 3), row.GetInt64(at + 4), row.GetInt64(at + 5), row.GetInt64(at + 6));

        public static Numbers operator +(Numbers a, Numbers b) => new(
            a.Verified + b.Verified, a.Refused + b.Refused, a.Limited + b.Limited, a.Minted + b.Minted,
            a.Downloads + b.Downloads, a.Interrupted + b.Interrupted, a.Bytes + b.Bytes);
    }

    /// <param name="period">What a point is.</param>
    /// <param name="from">In the first point; null: so that there are 48 hours, 30 days or 12 months.</param>
    /// <param name="to">After the last point's beginning; null: now.</param>
    /// <param name="product">Null: all.</param>
    public SeriesView Series(SeriesPeriod period, DateTimeOffset? from = null, DateTimeOffset? to = null, long? product = null)
    {
        work.Require(Permission.StatisticsRead);
        var end = Calendar.Next(period, Calendar.Floor(period, to?.AddTicks(-1) ?? work.Now));
        var begin = from is { } given ? Calendar.Floor(period, given) : Calendar.Usual(period, end);
        if (begin >= end) throw OperationException.Invalid("from", "The beginning must be before the end.");
        if (Calendar.Count(period, begin, end) > MostPoints) throw OperationException.Invalid("from", string.Create(CultureInfo.InvariantCulture, $"That would be more than {MostPoints} points: ask for a longer period or a shorter time."));
        var sums = new Dictionary<DateTimeOffset, Numbers>();
        foreach (var (hour, numbers) in work.Query(
            $"SELECT at, {Sums} FROM {(period == SeriesPeriod.Hour ? $"({Part("hour", "activity_hours", begin, end)})" : Counts(begin, end))} AS counts WHERE {Range} GROUP BY at",
            row => (row.Time(0), Numbers.Read(row, 1)), product))
        {
            var at = Calendar.Floor(period, hour);
            sums[at] = sums.GetValueOrDefault(at) + numbers;
        }

        var points = new List<SeriesPoint>();
        for (var at = begin; at < end; at = Calendar.Next(period, at))
        {
            var n = sums.GetValueOrDefault(at);
            points.Add(new SeriesPoint(Wire.Micros(at), n.Verified, n.Refused, n.Limited, n.Minted, n.Downloads, n.Interrupted, n.Bytes));
        }

        return new SeriesView(Calendar.Name(period), Wire.Micros(begin), Wire.Micros(end), product, points);
    }

    /// <summary>Most frequent first. Whole hours: those that begin in the given time.</summary>
    public IReadOnlyList<OutcomeView> Outcomes(DateTimeOffset from, DateTimeOffset to, long? product = null)
    {
        work.Require(Permission.StatisticsRead);
        return work.Query(
            $"SELECT kind, outcome, sum(count), sum(bytes) FROM {Counts(from, to)} AS counts WHERE {Range} GROUP BY kind, outcome ORDER BY 3 DESC, 1, 2",
            row => new OutcomeView(KindName(row.GetInt64(0)), row.GetString(1), row.GetInt64(2), row.GetInt64(3)), product);
    }

    /// <summary>Those verified most often. Whole hours: those that begin in the given time.</summary>
    public IReadOnlyList<TopProductView> TopProducts(DateTimeOffset from, DateTimeOffset to, int count = 10)
    {
        work.Require(Permission.StatisticsRead);
        return work.Query(
            $"""
            SELECT p.id, p.name, s.* FROM (SELECT product_id, {Sums} FROM {Counts(from, to)} AS counts WHERE {Range} GROUP BY product_id) s
            JOIN products p ON p.id = s.product_id ORDER BY 4 DESC, 1 LIMIT $2
            """,
            row =>
            {
                var n = Numbers.Read(row, 3);
                return new TopProductView(row.GetInt64(0), row.GetString(1), n.Verified, n.Refused, n.Minted, n.Downloads, n.Bytes);
            },
            null, Math.Clamp(count, 1, MostRows));
    }

    /// <summary>As they are now: a license that has expired counts as that, unless it is suspended or revoked.</summary>
    public LicenseCountsView LicensesByState(long? product = null)
    {
        work.Require(Permission.StatisticsRead);

        // Each is met by an index alone; what is active is all the rest.
        var total = Count("");
        var suspended = Count("AND state <> 0 AND state = 1");
        var revoked = Count("AND state <> 0 AND state = 2");
        var expired = Count("AND expires_at <= $2 AND state = 0", work.Database.Dialect.IndexedBy("IX_licenses_expires_at_state_product_id"));
        return new LicenseCountsView(total, total - suspended - revoked - expired, suspended, revoked, expired);

        // Left alone, SQLite would look at every license of the product.
        long Count(string which, string index = "") => work.Query(
            $"SELECT count(*) FROM licenses {index} WHERE {(product is null ? "CAST($1 AS bigint) IS NULL" : "product_id = $1")} AND CAST($2 AS bigint) IS NOT NULL {which}", row => row.GetInt64(0), product, work.Now).Single();
    }

    /// <summary>The next ones first; of licenses that are active.</summary>
    public IReadOnlyList<ExpiringLicenseView> ExpiringSoon(int days = 30, int count = 10)
    {
        work.Require(Permission.StatisticsRead);
        return work.Query(
            """
            SELECT l.id, l.product_id, p.name, l.user_id, l.expires_at FROM licenses l JOIN products p ON p.id = l.product_id
            WHERE l.expires_at > $1 AND l.expires_at <= $2 AND l.state = 0 ORDER BY l.expires_at, l.id LIMIT $3
            """,
            row => new ExpiringLicenseView(row.GetInt64(0), row.GetInt64(1), row.GetString(2), row.IsDBNull(3) ? null : row.GetInt64(3), Wire.Micros(row.Time(4))),
            work.Now, work.Now.AddDays(days), Math.Clamp(count, 1, MostRows));
    }

    /// <summary>What needs somebody, the gravest first.</summary>
    public IReadOnlyList<AttentionView> Attention(DateTimeOffset now)
    {
        work.Require(Permission.StatisticsRead);
        return new AttentionList(work, now).Make();
    }

    /// <summary>How the last backups went.</summary>
    public BackupsView Backups(DateTimeOffset now)
    {
        work.Require(Permission.StatisticsRead);
        return BackupsView.Of(work.Database, now);
    }

    /// <summary>Newest first.</summary>
    /// <param name="license">Its number.</param>
    /// <param name="page">Which part.</param>
    public Page<ActivityView> LicenseActivity(long license, PageRequest page)
    {
        work.Require(Permission.LicensesRead);
        page.Check("-last_at");
        var limit = page.Limit;
        if (!work.Db.Licenses.Any(l => l.Id == license)) throw OperationException.Missing("license", license.ToString(CultureInfo.InvariantCulture));
        var (last, id) = string.IsNullOrEmpty(page.Cursor) ? (long.MaxValue, long.MaxValue) : Position(page.Cursor);
        var rows = work.Query(
            """
            SELECT id, kind, outcome, domain, address, first_at, last_at, count FROM activity
            WHERE license_id = $1 AND (last_at, id) < ($2, $3) ORDER BY last_at DESC, id DESC LIMIT $4
            """,
            row => (Cursor: string.Create(CultureInfo.InvariantCulture, $"{row.GetInt64(6)}.{row.GetInt64(0)}"), View: new ActivityView(
                KindName(row.GetInt64(1)), row.GetString(2), row.GetString(3), row.GetString(4), Wire.Micros(row.Time(5)), Wire.Micros(row.Time(6)), row.GetInt64(7))),
            license, last, id, limit + 1);
        return new Page<ActivityView>([.. rows.Take(limit).Select(row => row.View)], rows.Count > limit ? rows[limit - 1].Cursor : null);
    }

    static (long Last, long Id) Position(string cursor)
    {
        var parts = cursor.Split('.');
        return parts.Length == 2
            && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            && long.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var id)
            ? (last, id)
            : throw OperationException.Invalid("cursor", "This is no cursor of ours: send the one that came with the page before.");
    }

    static string KindName(long kind) => ((ActivityKind)kind).ToString().ToLowerInvariant();
}
