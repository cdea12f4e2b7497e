using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Latchkey.Server.Data;
using Microsoft.Data.Sqlite;

using Hour = System.Collections.Generic.KeyValuePair<Latchkey.Server.Activity.HourKey, Latchkey.Server.Activity.HourSum>;
using Row = System.Collections.Generic.KeyValuePair<Latchkey.Server.Activity.DetailKey, Latchkey.Server.Activity.DetailSum>;

namespace Latchkey.Server.Activity;
/// <summary>What is written in one piece: when <see cref="Run"/> throws, nothing of it was written; else the counts were.</summary>
sealed class ActivityWrite
{
    // Few and large: every commit empties the page cache of every reader.
    const int RowsPerWrite = 2048;

    // One statement, so that the hours hold together: none is counted twice, or not at all.
    const string HoursSql = """
        INSERT INTO activity_hours (hour, product_id, kind, outcome, count, bytes)
        SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each($1) WHERE true
        ON CONFLICT (hour, product_id, kind, outcome) DO UPDATE SET count = count + excluded.count, bytes = bytes + excluded.bytes
        """;

    const string DetailSql = """
        INSERT INTO activity (id, license_id, product_id, kind, outcome, domain, address, first_at, last_at, count)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (id) DO UPDATE SET last_at = max(last_at, $9), count = count + $10
        """;

    const string LastSeenSql = """
        INSERT INTO last_seen (license_id, at, address, domain, outcome)
        SELECT id, $2, $3, $4, $5 FROM licenses WHERE id = $1
        ON CONFLICT (license_id) DO UPDATE SET at = $2, address = $3, domain = $4, outcome = $5
        """;

    readonly IReadOnlySet<long> _lastOfLicense;

    ActivityWrite(IReadOnlyCollection<Hour> hours, IReadOnlyCollection<Row> details, IReadOnlySet<long> lastOfLicense)
    {
        (Hours, Details, _lastOfLicense) = (hours, details, lastOfLicense);
    }

    public IReadOnlyCollection<Hour> Hours { get; }
    public IReadOnlyCollection<Row> Details { get; }

    /// <summary>In as few pieces as may be; the counts are in the first.</summary>
    public static IEnumerable<ActivityWrite> Of(Gathered gathered)
    {
        IReadOnlyCollection<Hour> hours = gathered.Hours;
        var last = gathered.Details.Where(IsAsked).GroupBy(row => row.Key.Note.License).Select(rows => rows.Max(row => row.Value.Order)).ToHashSet();
        foreach (var part in gathered.Details.OrderBy(row => row.Key.Note.License).Chunk(RowsPerWrite).DefaultIfEmpty([]))
        {
            yield return new ActivityWrite(hours, part, last);
            hours = [];
        }
    }

    /// <summary>By a key: a download is by a token.</summary>
    static bool IsAsked(Row row) => row.Key.Note is { IsOfStranger: false, Kind: ActivityKind.Verify or ActivityKind.Mint };

    /// <returns>The details that the database would not have, on their own account.</returns>
    public List<DetailSum> Run(WriteSession session)
    {
        if (Hours.Count > 0) session.Execute(HoursSql, Json());
        var refused = new List<DetailSum>();
        foreach (var row in Details)
        {
            try
            {
                Write(session, row);
            }
            catch (SqliteException failure) when (StoreUnavailableException.From(failure) is null)
            {
                refused.Add(row.Value);
            }
        }

        return refused;
    }

    string Json() => JsonSerializer.Serialize(Hours.Select(hour => new object[]
    {
        hour.Key.Hour, hour.Key.Product, (int)hour.Key.Kind, hour.Key.Outcome, hour.Value.Count, hour.Value.Bytes,
    }));

    void Write(WriteSession session, Row row)
    {
        var (note, sum) = (row.Key.Note, row.Value);
        var address = note.Address.ToString();
        session.Execute(
            DetailSql, Id(row.Key, address), note.License, note.Product, (int)note.Kind, note.Outcome, note.Domain, address, sum.First, sum.Last, sum.Count);
        if (_lastOfLicense.Contains(sum.Order)) session.Execute(LastSeenSql, note.License, sum.Last, address, note.Domain, note.Outcome);
    }

    static long Id(DetailKey key, string address)
    {
        var note = key.Note;
        var text = string.Create(CultureInfo.InvariantCulture, $"{key.Bucket} {note.License} {(int)note.Kind} {note.Outcome} {address} {note.Domain}");
        return BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
