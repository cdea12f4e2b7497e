using System.Text;
using Latchkey.Server.Data;
using SQLitePCL;

namespace Latchkey.Server.Licenses;

/// <summary>Finds a license by its key: one HMAC, one prepared statement, no cache.</summary>
sealed class LicenseLookup(SqliteDatabase database, Secrets secrets) : IDisposable
{
    const string Columns = """
        SELECT l.id, l.product_id, p.name, l.user_id, l.state, l.max_domains, l.expires_at, l.created_at,
               l.last_rotated, p.bind_on_first_use, p.api_download, l.updates_until, l.channel, d.host
        FROM licenses l
        JOIN products p ON p.id = l.product_id
        LEFT JOIN license_domains d ON d.license_id = l.id
        """;

    const string CurrentSql = Columns + " WHERE l.key_hash = ?1";

    // A key that was rotated away, for as long as the overlap lasts.
    const string RetiredSql = Columns + " WHERE l.id = (SELECT license_id FROM retired_keys WHERE key_hash = ?1 AND good_until > ?2)";

    readonly ReaderPool _current = new(database, CurrentSql);
    readonly ReaderPool _retired = new(database, RetiredSql);

    /// <param name="key">As the client sent it, well-formed or not: both take the same way and the same time.</param>
    /// <param name="now">The time of the request.</param>
    /// <exception cref="StoreUnavailableException">The database cannot be read right now.</exception>
    public LicenseFacts? Find(string key, DateTimeOffset now)
    {
        Span<byte> text = stackalloc byte[1024];
        Span<byte> hash = stackalloc byte[32];
        var bytes = key.Length <= 256 ? text[..Encoding.UTF8.GetBytes(key, text)] : Encoding.UTF8.GetBytes(key);
        secrets.Hash(bytes, hash);
        return _current.Read<ReadOnlySpan<byte>, LicenseFacts>(
            hash, static (statement, hash) => raw.sqlite3_bind_blob(statement, 1, hash), Read)
            ?? _retired.Read<RetiredKey, LicenseFacts>(new RetiredKey(hash, UnixMicroseconds.From(now)), Bind, Read);
    }

    readonly ref struct RetiredKey(ReadOnlySpan<byte> hash, long now)
    {
        public readonly ReadOnlySpan<byte> Hash = hash;
        public readonly long Now = now;
    }

    static void Bind(sqlite3_stmt statement, RetiredKey key)
    {
        raw.sqlite3_bind_blob(statement, 1, key.Hash);
        raw.sqlite3_bind_int64(statement, 2, key.Now);
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
