using Latchkey.Server.Admin.Access;
using Latchkey.Server.Customers;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Licenses;

/// <summary>Many licenses alike, without domains; null is as usual.</summary>
sealed record IssueMany(long ProductId, int Count, int? MaxDomains = null, long? UserId = null, DateTimeOffset? ExpiresAt = null);

public sealed record IssuedKey(long Id, [property: OutsideState] string LicenseKey);

/// <summary>The new licenses; their ids follow one another.</summary>
public sealed record IssuedKeys(long ProductId, int Count, long FirstId, long LastId, [property: OutsideState] IReadOnlyList<IssuedKey> Items);

/// <summary>Those whose state was changed; others were so already, or are revoked.</summary>
sealed record ChangedLicenses(int Count, IReadOnlyList<long> Ids);

/// <summary>Work on many licenses at once, each all or nothing.</summary>
sealed class BulkLicenses(UnitOfWork work)
{
    public const int Most = 10_000;

    public IssuedKeys Issue(IssueMany wanted)
    {
        work.Require(Permission.LicensesWrite);
        var faults = new Faults();
        faults.Unless(wanted.Count is >= 1 and <= Most, "/count", $"The count must be 1 to {Most}.");
        faults.Unless(wanted.MaxDomains is null or (>= 1 and <= LicenseOperations.MostDomains), "/max_domains", $"The number of domains must be 1 to {LicenseOperations.MostDomains}.");
        faults.Unless(wanted.UserId is null or >= 0, "/user_id", CustomerOperations.NumberRule);
        faults.Throw();
        return work.Change("license.issue_many", () => (IssuedKeys?)null, _ => Write(wanted), issued => $"{issued.FirstId}-{issued.LastId}");
    }

    IssuedKeys Write(IssueMany wanted)
    {
        var product = new LicenseOperations(work).ProductFor(wanted.ProductId);
        CustomerOperations.Ensure(work.Db, wanted.UserId, work.Now);
        var keys = Enumerable.Range(0, wanted.Count).Select(_ => LicenseKey.Generate(product.KeyPrefix, product.KeyLength)).ToList();
        var licenses = keys.ConvertAll(key =>
        {
            var hash = work.Secrets.Hash(key);
            return new License
            {
                ProductId = product.Id,
                KeyHash = hash,
                KeyCipher = work.Secrets.Seal(key, hash),
                KeySuffix = LicenseKey.Suffix(key),
                UserId = wanted.UserId,
                MaxDomains = wanted.MaxDomains ?? 1,
                ExpiresAt = wanted.ExpiresAt,
                CreatedAt = work.Now,
            };
        });
        work.Db.AddRange(licenses);
        work.Db.SaveChanges();
        work.Db.ChangeTracker.Clear();
        var items = licenses.Zip(keys, (license, key) => new IssuedKey(license.Id, key)).ToList();
        return new IssuedKeys(product.Id, items.Count, items[0].Id, items[^1].Id, items);
    }

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
            foreach (var id in changed) work.Note(to == LicenseState.Active ? "license.resume" : "license.suspend", id.ToString(System.Globalization.CultureInfo.InvariantCulture), was, isNow);
            return new ChangedLicenses(count, changed);
        }, done => done.Ids.Count > 0 ? $"{done.Ids[0]}-{done.Ids[^1]}" : "-");
    }
}
