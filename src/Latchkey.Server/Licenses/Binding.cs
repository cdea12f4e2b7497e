using Latchkey.Server.Data;

namespace Latchkey.Server.Licenses;

/// <summary>Takes a free place of a license for a domain: one statement, so that no race takes more places than there are.</summary>
static class Binding
{
    const string Sql = """
        INSERT INTO license_domains (license_id, host, bound_at)
        SELECT l.id, $2, $3 FROM licenses l JOIN products p ON p.id = l.product_id
        WHERE l.id = $1 AND l.state = 0 AND p.bind_on_first_use
          AND (SELECT count(*) FROM license_domains d WHERE d.license_id = l.id) < l.max_domains
        ON CONFLICT DO NOTHING
        """;

    public static bool TryTakeFreePlace(WriteSession session, long license, string host, DateTimeOffset now) =>
        session.Execute(Sql, license, host, UnixMicroseconds.From(now)) == 1;
}
