using Latchkey.Server.Data;

namespace Latchkey.Server.Licenses;

/// <summary>
/// Takes a free place of a license for a domain: one statement, so that no race takes more places than there are. SQLite
/// has one writer at a time; PostgreSQL has many, who take turns at the license's row.
/// </summary>
static class Binding
{
    const string Sql = """
        INSERT INTO license_domains (license_id, host, bound_at)
        SELECT l.id, $2, $3 FROM licenses l JOIN products p ON p.id = l.product_id
        WHERE l.id = $1 AND l.state = 0 AND p.bind_on_first_use
          AND (SELECT count(*) FROM license_domains d WHERE d.license_id = l.id) < l.max_domains
        ON CONFLICT DO NOTHING
        """;

    public static async Task<bool> TryTakeFreePlace(WriteQueue writes, long license, string host, DateTimeOffset now) =>
        (await writes.Run([.. writes.Dialect.Lock("licenses", license), new Statement(Sql, license, host, UnixMicroseconds.From(now))]))[^1] == 1;
}
