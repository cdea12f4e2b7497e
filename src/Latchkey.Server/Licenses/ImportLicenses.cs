using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;

namespace Latchkey.Server.Licenses;

/// <summary>Licenses from a CSV file, all or none. Hand-written statements: a hundred thousand lines take seconds.</summary>
sealed class ImportLicenses(UnitOfWork work)
{
    const string LicenseSql = """
        INSERT INTO licenses (product_id, key_hash, key_cipher, key_suffix, user_id, state, max_domains, expires_at, created_at, updates_until, channel)
        VALUES ($1, $2, $3, $7, $4, 0, 1, $5, $6, $8, $9) RETURNING id
        """;

    const string CustomerSql = "INSERT INTO customers (id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";

    const string AuditSql = """
        INSERT INTO audit (at, actor_kind, actor_name, action, object_kind, after) VALUES ($1, $2, $3, 'license.import', 'license', $4)
        """;

    const string DomainSql = "INSERT INTO license_domains (license_id, host, bound_at) VALUES ($1, $2, $3)";

    readonly DateTimeOffset _now = work.Now;
    readonly Secrets _secrets = work.Secrets;

    /// <param name="text">The file.</param>
    /// <param name="progress">Told how far it has come: "checked" or "written", and how many lines.</param>
    /// <returns>How many licenses were imported.</returns>
    /// <exception cref="ImportException">Names every bad line.</exception>
    public int Run(TextReader text, Action<string, int>? progress = null)
    {
        work.Require(Permission.LicensesWrite);

        // Keys fall anywhere in their index: most of it should be at hand, however large it is.
        if (work.Database.IsEmbedded) Database.Execute(work.Connection, "PRAGMA cache_size=-65536");
        using var session = new WriteSession(work.Database, work.Connection);
        bool IsTaken(byte[] hash) => session.Scalar("SELECT 1 FROM licenses WHERE key_hash = $1", hash) is not null;
        var lines = new ImportLines(Products(), _secrets.Hash, IsTaken, _now).Read(text, progress);
        session.Begin();
        foreach (var (index, line) in lines.Index())
        {
            Write(session, line);
            if (index % 1000 == 0) progress?.Invoke("written", index);
        }

        foreach (var user in lines.Select(line => line.User).OfType<long>().Distinct()) session.Execute(CustomerSql, user, UnixMicroseconds.From(_now));
        session.Execute(AuditSql, UnixMicroseconds.From(_now), (int)work.Actor.Kind, work.Actor.Name, string.Create(CultureInfo.InvariantCulture, $"{{\"count\":{lines.Count}}}"));
        session.Commit();
        progress?.Invoke("written", lines.Count);
        return lines.Count;
    }

    void Write(WriteSession session, ImportLine line)
    {
        var created = UnixMicroseconds.From(line.Created);
        long? expires = line.Expires is { } time ? UnixMicroseconds.From(time) : null;
        long? updates = line.UpdatesUntil is { } until ? UnixMicroseconds.From(until) : null;
        var id = session.Scalar(LicenseSql, line.Product, line.Hash, _secrets.Seal(line.Key, line.Hash), line.User, expires, created, LicenseKey.Suffix(line.Key), updates, line.Channel);
        if (line.Host is not null) session.Execute(DomainSql, id, line.Host, UnixMicroseconds.From(_now));
    }

    HashSet<long> Products()
    {
        using var command = work.Connection.CreateCommand();
        command.CommandText = "SELECT id FROM products";
        using var reader = command.ExecuteReader();
        var products = new HashSet<long>();
        while (reader.Read()) products.Add(reader.GetInt64(0));
        return products;
    }
}
