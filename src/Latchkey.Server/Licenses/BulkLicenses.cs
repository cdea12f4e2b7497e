using Latchkey.Server.Admin.Access;
using Latchkey.Server.Customers;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.Products;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Licenses;

/// <summary>Many licenses alike, without domains; null is as usual.</summary>
sealed record IssueMany(
    long ProductId, int Count, int? MaxDomains = null, long? UserId = null, DateTimeOffset? ExpiresAt = null, DateTimeOffset? UpdatesUntil = null, string? Channel = null);

public sealed record IssuedKey(long Id, [property: OutsideState] string LicenseKey);

/// <summary>The new licenses; their ids follow one another.</summary>
public sealed record IssuedKeys(long ProductId, int Count, long FirstId, long LastId, [property: OutsideState] IReadOnlyList<IssuedKey> Items);

/// <summary>Those whose state was changed; others were so already, or are revoked.</summary>
sealed record ChangedLicenses(int Count, [property: OutsideState] IReadOnlyList<long> Ids);

/// <summary>Work on many licenses at once, each all or nothing.</summary>
sealed class BulkLicenses(UnitOfWork work)
{
    public const int Most = 10_000;

    // Not for a product that was archived meanwhile.
    const string InsertSql = """
        INSERT INTO licenses (product_id, key_hash, key_cipher, key_suffix, user_id, state, max_domains, expires_at, created_at, updates_until, channel)
        SELECT id, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10 FROM products WHERE id = $1 AND archived_at IS NULL
        RETURNING id
        """;

    public IssuedKeys Issue(IssueMany wanted)
    {
        work.Require(Permission.LicensesWrite);
        var faults = new Faults();
        faults.Unless(wanted.Count is >= 1 and <= Most, "/count", $"The count must be 1 to {Most}.");
        faults.Unless(wanted.MaxDomains is null or (>= 1 and <= LicenseOperations.MostDomains), "/max_domains", $"The number of domains must be 1 to {LicenseOperations.MostDomains}.");
        faults.Unless(CustomerOperations.IsNumber(wanted.UserId), "/user_id", CustomerOperations.NumberRule);
        LicenseOperations.CheckChannel(faults, wanted.Channel);
        faults.Throw();
        var product = new LicenseOperations(work).ProductFor(wanted.ProductId);

        // Made before the transaction, for whose end mints wait.
        var keys = Enumerable.Range(0, wanted.Count).Select(_ => NewKey(LicenseKey.Generate(product.KeyPrefix, product.KeyLength))).ToList();
        return work.Change("license.issue_many", () => (IssuedKeys?)null, _ => Write(wanted, keys), issued => $"{issued.FirstId}-{issued.LastId}");
    }

    readonly record struct Key(string Text, byte[] Hash, byte[] Cipher);

    Key NewKey(string key)
    {
        var hash = work.Secrets.Hash(key);
        return new Key(key, hash, work.Secrets.Seal(key, hash));
    }

    IssuedKeys Write(IssueMany wanted, List<Key> keys)
    {
        CustomerOperations.Ensure(work.Db, wanted.UserId, work.Now);

        // One prepared statement: for ten thousand, EF Core held the lock for longer than mints wait.
        var session = new WriteSession(work.Database, work.Connection);
        var items = keys.ConvertAll(key =>
        {
            var id = session.Scalar(
                InsertSql, wanted.ProductId, key.Hash, key.Cipher, LicenseKey.Suffix(key.Text), wanted.UserId, wanted.MaxDomains ?? 1, Micros(wanted.ExpiresAt), Micros(work.Now),
                Micros(wanted.UpdatesUntil), LicenseOperations.ChannelOf(wanted.Channel));
            return id is long made ? new IssuedKey(made, key.Text) : throw ProductOperations.Missing(wanted.ProductId);
        });
        return new IssuedKeys(wanted.ProductId, items.Count, items[0].Id, items[^1].Id, items);
    }

    static long? Micros(DateTimeOffset? time) => time is { } at ? UnixMicroseconds.From(at) : null;

    public ChangedLicenses Suspend(IReadOnlyList<long> ids) => SetState("license.suspend_many", ids, LicenseState.Active, LicenseState.Suspended);

    /// <summary>Takes suspensions back.</summary>
    public ChangedLicenses Resume(IReadOnlyList<long> ids) => SetState("license.resume_many", ids, LicenseState.Suspended, LicenseState.Active);

    ChangedLicenses SetState(string action, IReadOnlyList<long> ids, LicenseState from, LicenseState to)
    {
        work.Require(Permission.LicensesSupport);
        if (ids.Count is 0 or > Most) throw OperationException.Invalid("/ids", $"Name 1 to {Most} licenses.");
        return work.Change(action, () => (ChangedLicenses?)null, _ =>
        {
            var changed = work.Db.Licenses.Where(l => ids.Contains(l.Id) && l.State == from).OrderBy(l => l.Id).Select(l => l.Id).ToList();
            var count = work.Db.Licenses.Where(l => changed.Contains(l.Id)).ExecuteUpdate(l => l.SetProperty(r => r.State, to));

            // Each license's own history tells it too.
            var (was, isNow) = (new { State = LicenseView.StateOf(from, null, work.Now) }, new { State = LicenseView.StateOf(to, null, work.Now) });
            work.NoteEach(to == LicenseState.Active ? "license.resume" : "license.suspend", changed, was, isNow);
            return new ChangedLicenses(count, changed);
        }, done => done.Ids.Count > 0 ? $"{done.Ids[0]}-{done.Ids[^1]}" : "-");
    }
}
