using Latchkey.Server.Data;
using Latchkey.Server.Telemetry;

namespace Latchkey.Server.Licenses;

/// <summary>Finds a license by its key: one HMAC, one prepared statement, no cache.</summary>
sealed class LicenseLookup(Database database, Secrets secrets) : IDisposable
{
    const string Columns = """
        SELECT l.id, l.product_id, p.name, l.user_id, l.state, l.max_domains, l.expires_at, l.created_at,
               l.last_rotated, p.bind_on_first_use, p.api_download, l.updates_until, l.channel, d.host
        FROM licenses l
        JOIN products p ON p.id = l.product_id
        LEFT JOIN license_domains d ON d.license_id = l.id
        """;

    const string CurrentSql = Columns + " WHERE l.key_hash = $1";

    // A key that was rotated away, for as long as the overlap lasts.
    const string RetiredSql = Columns + " WHERE l.id = (SELECT license_id FROM retired_keys WHERE key_hash = $1 AND good_until > $2)";

    readonly Lookup _current = database.Prepare(CurrentSql, LookupKey.Bytes);
    readonly Lookup _retired = database.Prepare(RetiredSql, LookupKey.Bytes, LookupKey.Number);

    /// <param name="key">As the client sent it, well-formed or not: both take the same way and the same time.</param>
    /// <param name="now">The time of the request.</param>
    /// <exception cref="StoreUnavailableException">The database cannot be read right now.</exception>
    public async ValueTask<LicenseFacts?> Find(string key, DateTimeOffset now)
    {
        using var timed = Timed.Database("lookup");
        var hash = secrets.Hash(key);
        return await _current.Read(hash, Read) ?? await _retired.Read(hash, UnixMicroseconds.From(now), Read);
    }

    static LicenseFacts Read(Rows row)
    {
        var first = row.TextOrNull(13);
        var facts = new LicenseFacts(
            row.Long(0), row.Long(1), row.Text(2), row.LongOrNull(3), (LicenseState)row.Long(4), (int)row.Long(5),
            row.TimeOrNull(6), row.Time(7), row.TimeOrNull(8), row.Long(9) != 0, row.Long(10) != 0, row.TimeOrNull(11), row.TextOrNull(12), []);
        if (first is null) return facts;
        if (!row.Step()) return facts with { Domains = [first] };
        var domains = new List<string> { first };
        do domains.Add(row.Text(13));
        while (row.Step());
        return facts with { Domains = domains };
    }

    public void Dispose()
    {
        _current.Dispose();
        _retired.Dispose();
    }
}
