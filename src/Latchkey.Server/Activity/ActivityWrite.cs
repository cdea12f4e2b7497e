using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Latchkey.Server.Data;

using Hour = System.Collections.Generic.KeyValuePair<Latchkey.Server.Activity.HourKey, Latchkey.Server.Activity.HourSum>;
using Row = System.Collections.Generic.KeyValuePair<Latchkey.Server.Activity.DetailKey, Latchkey.Server.Activity.DetailSum>;

namespace Latchkey.Server.Activity;

/// <summary>What is written in one piece: all of it, or nothing.</summary>
sealed class ActivityWrite
{
    // Few and large: every commit empties the page cache of every reader.
    const int RowsPerWrite = 2048;

    // By how much clocks may be apart.
    static readonly TimeSpan Ahead = TimeSpan.FromMinutes(5);

    readonly IReadOnlySet<long> _lastOfLicense;
    readonly DateTimeOffset _now;

    ActivityWrite(IReadOnlyCollection<Hour> hours, IReadOnlyCollection<Row> details, IReadOnlySet<long> lastOfLicense, Dialect dialect, DateTimeOffset now)
    {
        (Hours, Details, _lastOfLicense, _now) = (hours, details, lastOfLicense, now);
        Statements = [.. Make(dialect)];
    }

    public IReadOnlyCollection<Hour> Hours { get; }
    public IReadOnlyCollection<Row> Details { get; }
    public IReadOnlyList<Statement> Statements { get; }

    // No hour is counted twice, or not at all.
    static string HoursSql(Dialect dialect) => $"""
        INSERT INTO activity_hours (hour, product_id, kind, outcome, count, bytes)
        {dialect.Rows("hour bigint", "product_id bigint", "kind int", "outcome text", "count bigint", "bytes bigint")} WHERE true
        ON CONFLICT (hour, product_id, kind, outcome) DO UPDATE SET count = activity_hours.count + excluded.count, bytes = activity_hours.bytes + excluded.bytes
        """;

    static string DetailSql(Dialect dialect) => $"""
        INSERT INTO activity (id, license_id, product_id, kind, outcome, domain, address, first_at, last_at, count)
        {dialect.Rows("id bigint", "license_id bigint", "product_id bigint", "kind int", "outcome text", "domain text", "address text", "first_at bigint", "last_at bigint", "count bigint")} WHERE true
        ON CONFLICT (id) DO UPDATE SET last_at = {dialect.Greatest}(activity.last_at, excluded.last_at), count = activity.count + excluded.count
        """;

    // Another node may have seen it later; but not in the time to come, by a clock that was wrong.
    static string LastSeenSql(Dialect dialect) => $"""
        INSERT INTO last_seen (license_id, at, address, domain, outcome)
        SELECT license_id, at, address, domain, outcome FROM
        ({dialect.Rows("license_id bigint", "at bigint", "address text", "domain text", "outcome text")}) AS seen
        WHERE EXISTS (SELECT 1 FROM licenses WHERE id = seen.license_id)
        ON CONFLICT (license_id) DO UPDATE SET at = excluded.at, address = excluded.address, domain = excluded.domain, outcome = excluded.outcome
        WHERE excluded.at >= last_seen.at OR last_seen.at > $2
        """;

    /// <summary>In as few pieces as may be: the counts, and the details.</summary>
    public static IEnumerable<ActivityWrite> Of(Gathered gathered, Dialect dialect, DateTimeOffset now)
    {
        var last = gathered.Details.Where(IsAsked).GroupBy(row => row.Key.Note.License).Select(rows => rows.Max(row => row.Value.Order)).ToHashSet();
        if (gathered.Hours.Count > 0) yield return new ActivityWrite(gathered.Hours, [], last, dialect, now);
        foreach (var part in gathered.Details.OrderBy(row => row.Key.Note.License).Chunk(RowsPerWrite)) yield return new ActivityWrite([], part, last, dialect, now);
    }

    /// <summary>Each of its details as a piece of its own.</summary>
    public IEnumerable<ActivityWrite> Singly(Dialect dialect) => Details.Select(row => new ActivityWrite([], [row], _lastOfLicense, dialect, _now));

    /// <summary>By a key: a download is by a token.</summary>
    static bool IsAsked(Row row) => row.Key.Note is { IsOfStranger: false, Kind: ActivityKind.Verify or ActivityKind.Mint };

    /// <summary>Rows are in an order that is the same on every node, so that none waits for one that waits for it.</summary>
    IEnumerable<Statement> Make(Dialect dialect)
    {
        if (Hours.Count > 0) yield return new Statement(HoursSql(dialect), Json(Hours.OrderBy(hour => hour.Key.ToString(), StringComparer.Ordinal).Select(Values)));
        if (Details.Count == 0) yield break;
        var rows = Details.Select(row => (Row: row, Values: Values(row))).OrderBy(row => (long)row.Values[0]).ToList();
        yield return new Statement(DetailSql(dialect), Json(rows.Select(row => row.Values)));
        var last = rows.Where(row => _lastOfLicense.Contains(row.Row.Value.Order)).OrderBy(row => row.Row.Key.Note.License).ToList();
        if (last.Count > 0) yield return new Statement(LastSeenSql(dialect), Json(last.Select(row => new[] { row.Values[1], row.Values[8], row.Values[6], row.Values[5], row.Values[4] })), UnixMicroseconds.From(_now + Ahead));
    }

    static string Json(IEnumerable<object[]> rows) => JsonSerializer.Serialize(rows);

    static object[] Values(Hour hour) => [hour.Key.Hour, hour.Key.Product, (int)hour.Key.Kind, hour.Key.Outcome, hour.Value.Count, hour.Value.Bytes];

    static object[] Values(Row row)
    {
        var (note, sum) = (row.Key.Note, row.Value);
        var address = note.Address.ToString();
        return [Id(row.Key, address), note.License, note.Product, (int)note.Kind, note.Outcome, note.Domain, address, sum.First, sum.Last, sum.Count];
    }

    static long Id(DetailKey key, string address)
    {
        var note = key.Note;
        var text = string.Create(CultureInfo.InvariantCulture, $"{key.Bucket} {note.License} {(int)note.Kind} {note.Outcome} {address} {note.Domain}");
        return BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
