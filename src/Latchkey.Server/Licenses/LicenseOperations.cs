using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Customers;
using Latchkey.Server.Data;
using Latchkey.Server.Products;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Licenses;

/// <summary>What a new license is to be; null is as usual.</summary>
/// <param name="UpdatesUntil">It may have what was published up to then; null: everything.</param>
/// <param name="Channel">Null: stable.</param>
sealed record IssueLicense(
    long ProductId, IReadOnlyList<string> Domains, int? MaxDomains = null, long? UserId = null, DateTimeOffset? ExpiresAt = null, string? Key = null,
    DateTimeOffset? UpdatesUntil = null, string? Channel = null);

/// <summary>What is to change; null leaves as it is.</summary>
sealed record EditLicense(
    int? MaxDomains = null, long? UserId = null, DateTimeOffset? ExpiresAt = null, bool NeverExpires = false, bool NoUser = false,
    DateTimeOffset? UpdatesUntil = null, bool UpdatesForever = false, string? Channel = null);

/// <summary>What a vendor and a support agent do with one license.</summary>
sealed class LicenseOperations(UnitOfWork work)
{
    public const int MostDomains = 10_000;
    public static readonly TimeSpan MaxOverlap = TimeSpan.FromDays(90);

    LatchkeyDb Db => work.Db;

    /// <returns>With its key.</returns>
    public LicenseView Issue(IssueLicense wanted)
    {
        work.Require(Permission.LicensesWrite);
        var hosts = Check(wanted, out var places);
        return work.Change("license.issue", () => (LicenseView?)null, _ =>
        {
            var product = ProductFor(wanted.ProductId);
            var (key, hash) = NewKey(wanted.Key ?? LicenseKey.Generate(product.KeyPrefix, product.KeyLength));
            var license = new License
            {
                ProductId = product.Id,
                KeyHash = hash,
                KeyCipher = work.Secrets.Seal(key, hash),
                KeySuffix = LicenseKey.Suffix(key),
                UserId = wanted.UserId,
                MaxDomains = places,
                ExpiresAt = wanted.ExpiresAt,
                UpdatesUntil = wanted.UpdatesUntil,
                Channel = ChannelOf(wanted.Channel),
                CreatedAt = work.Now,
            };
            license.Domains.AddRange(hosts.Select(host => new LicenseDomain { Host = host, BoundAt = work.Now }));
            CustomerOperations.Ensure(Db, wanted.UserId, work.Now);
            Db.Add(license);
            Db.SaveChanges();
            return View(license.Id)! with { LicenseKey = key };
        }, view => view.Id);
    }

    /// <summary>The product, if something may be issued for it.</summary>
    public Product ProductFor(long id)
    {
        var product = Db.Products.Find(id) ?? throw ProductOperations.Missing(id);
        return product.ArchivedAt is null ? product : throw OperationException.Conflict("PRODUCT_ARCHIVED", $"Product {id} is archived: nothing new is issued for it.");
    }

    public LicenseView Show(LicenseRef license)
    {
        work.Require(Permission.LicensesRead);
        return View(license.Find(Db, work.Secrets).Id)!;
    }

    /// <summary>With its key, which the audit trail notes.</summary>
    public LicenseView Reveal(LicenseRef license)
    {
        work.Require(Permission.LicensesReveal, confirmed: true);
        string? key = null;
        try
        {
            return Change("license.reveal", license, found => key = work.Secrets.Open(found.KeyCipher, found.KeyHash), view => view with { LicenseKey = key });
        }
        catch (Exception failure) when (work.Actor.Kind == ActorKind.CommandLine && key is not null && StoreUnavailableException.From(failure) is not null)
        {
            // A full disk keeps no audit trail, nor the one who holds the secrets from reading them.
            work.Db.ChangeTracker.Clear();
            return Show(license) with { LicenseKey = key };
        }
    }

    public LicenseView Suspend(LicenseRef license) => SetState("license.suspend", Permission.LicensesSupport, license, LicenseState.Suspended);
    public LicenseView Resume(LicenseRef license) => SetState("license.resume", Permission.LicensesSupport, license, LicenseState.Active);
    public LicenseView Revoke(LicenseRef license) => SetState("license.revoke", Permission.LicensesWrite, license, LicenseState.Revoked, confirmed: true);

    LicenseView SetState(string action, string permission, LicenseRef which, LicenseState state, bool confirmed = false)
    {
        work.Require(permission, confirmed);
        return Change(action, which, license =>
        {
            if (license.State == LicenseState.Revoked && state != LicenseState.Revoked) throw Final(license);
            license.State = state;
        });
    }

    /// <summary>A new key. The old one is unknown from the next request on, or works as well for the overlap.</summary>
    /// <returns>With the new key.</returns>
    public LicenseView Rotate(LicenseRef which, TimeSpan overlap = default)
    {
        // Like a reveal: it shows a key, and ends one.
        work.Require(Permission.LicensesSupport, confirmed: true);
        if (overlap < TimeSpan.Zero || overlap > MaxOverlap) throw OperationException.Invalid("/overlap_hours", $"The overlap must be 0 to {MaxOverlap.TotalHours} hours.");
        string? made = null;
        return Change("license.rotate", which, license =>
        {
            if (license.State == LicenseState.Revoked) throw Final(license);
            var product = Db.Products.Single(p => p.Id == license.ProductId);
            var (key, hash) = NewKey(LicenseKey.Generate(product.KeyPrefix, product.KeyLength));

            // Without an overlap the old keys are done with: those of earlier rotations too.
            if (overlap == TimeSpan.Zero) Db.RetiredKeys.Where(k => k.LicenseId == license.Id && k.GoodUntil > work.Now).ExecuteUpdate(k => k.SetProperty(r => r.GoodUntil, work.Now));
            Db.Add(new RetiredKey { KeyHash = license.KeyHash, LicenseId = license.Id, RetiredAt = work.Now, GoodUntil = work.Now + overlap });
            (license.KeyHash, license.KeyCipher, license.KeySuffix, license.LastRotated) = (hash, work.Secrets.Seal(key, hash), LicenseKey.Suffix(key), work.Now);
            made = key;
        }, view => view with { LicenseKey = made });
    }

    public LicenseView Bind(LicenseRef which, string domain)
    {
        work.Require(Permission.LicensesSupport);
        var host = RequireDomain(domain, "/domain");
        return Change("license.bind", which, license =>
        {
            var bound = Db.LicenseDomains.Where(d => d.LicenseId == license.Id).Select(d => d.Host).ToList();
            if (bound.Contains(host)) return;
            if (bound.Count >= license.MaxDomains)
            {
                throw OperationException.Conflict("DOMAIN_LIMIT_REACHED", string.Create(CultureInfo.InvariantCulture,
                    $"License {license.Id} holds {license.MaxDomains} of {license.MaxDomains} domains ({string.Join(", ", bound.Take(5))}): unbind one, or raise how many it may hold."),
                    "\"latchkey license edit\" has --max-domains.");
            }

            Db.Add(new LicenseDomain { LicenseId = license.Id, Host = host, BoundAt = work.Now });
        });
    }

    public LicenseView Unbind(LicenseRef which, string domain)
    {
        work.Require(Permission.LicensesSupport);
        var host = RequireDomain(domain, "domain");
        return Change("license.unbind", which, license => Db.Remove(
            Db.LicenseDomains.SingleOrDefault(d => d.LicenseId == license.Id && d.Host == host) ?? throw NotBound(license, host)));
    }

    /// <summary>A domain in the place of another, as when a customer's site moves.</summary>
    public LicenseView Rebind(LicenseRef which, string from, string to)
    {
        work.Require(Permission.LicensesSupport);
        var (left, taken) = (RequireDomain(from, "/from"), RequireDomain(to, "/to"));
        return Change("license.rebind", which, license =>
        {
            var bound = Db.LicenseDomains.SingleOrDefault(d => d.LicenseId == license.Id && d.Host == left) ?? throw NotBound(license, left);
            if (left == taken) return;
            Db.Remove(bound);
            if (!Db.LicenseDomains.Any(d => d.LicenseId == license.Id && d.Host == taken)) Db.Add(new LicenseDomain { LicenseId = license.Id, Host = taken, BoundAt = work.Now });
        });
    }

    static OperationException NotBound(License license, string host) => new($"License {license.Id} is not bound to {host}.")
    {
        Fault = OperationFault.NotFound,
        Code = "DOMAIN_NOT_BOUND",
        Hint = $"\"latchkey license show {license.Id}\" lists its domains.",
    };

    public LicenseView Edit(LicenseRef which, EditLicense edit)
    {
        work.Require(Permission.LicensesWrite);
        if (edit.MaxDomains is { } wanted) RequirePlaces(wanted);
        if (!CustomerOperations.IsNumber(edit.UserId)) throw OperationException.Invalid("/user_id", CustomerOperations.NumberRule);
        var faults = new Faults();
        CheckChannel(faults, edit.Channel);
        faults.Throw();
        return Change("license.edit", which, license =>
        {
            if (edit.MaxDomains is { } places)
            {
                var bound = Db.LicenseDomains.Count(d => d.LicenseId == license.Id);
                if (bound > places) throw OperationException.Conflict("DOMAINS_BOUND", $"License {license.Id} is bound to {bound} domains: unbind some first.");
                license.MaxDomains = places;
            }

            CustomerOperations.Ensure(Db, edit.UserId, work.Now);
            license.UserId = edit.NoUser ? null : edit.UserId ?? license.UserId;
            license.ExpiresAt = edit.NeverExpires ? null : edit.ExpiresAt ?? license.ExpiresAt;
            license.UpdatesUntil = edit.UpdatesForever ? null : edit.UpdatesUntil ?? license.UpdatesUntil;
            if (edit.Channel is not null) license.Channel = ChannelOf(edit.Channel);
        });
    }

    LicenseView Change(string action, LicenseRef which, Action<License> change, Func<LicenseView, LicenseView>? answer = null)
    {
        License license = null!;
        return work.Change(action, () =>
        {
            license = which.Find(Db, work.Secrets);

            // A first use may be binding a domain in this moment.
            work.Database.Lock(Db, license);
            return View(license.Id);
        }, _ =>
        {
            change(license);
            Db.SaveChanges();
            var view = View(license.Id)!;
            return answer is null ? view : answer(view);
        }, view => view.Id);
    }

    static OperationException Final(License license) => OperationException.Conflict("LICENSE_REVOKED", $"License {license.Id} is revoked, which is for good: issue a new one.");

    LicenseView? View(long id) => LicenseView.Read(work, Db.Licenses.Where(l => l.Id == id)).SingleOrDefault();

    (string Key, byte[] Hash) NewKey(string key)
    {
        var hash = work.Secrets.Hash(key);
        return Db.Licenses.Any(l => l.KeyHash == hash) || Db.RetiredKeys.Any(k => k.KeyHash == hash)
            ? throw OperationException.Conflict("KEY_EXISTS", "There is a license with this key already, or was one.")
            : (key, hash);
    }

    /// <summary>Everything that can be said without the database.</summary>
    static List<string> Check(IssueLicense wanted, out int places)
    {
        var faults = new Faults();
        faults.Unless(wanted.Key is null || LicenseKey.IsWellFormed(wanted.Key), "/license_key", $"A license key must be {LicenseKey.Rule}.");
        var hosts = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, domain) in wanted.Domains.Index())
        {
            if (CanonicalHost.OfPattern(domain) is not { } host) faults.Add($"/domains/{index}", NoDomain(domain));
            else if (known.Add(host)) hosts.Add(host);
        }

        places = wanted.MaxDomains ?? Math.Max(1, hosts.Count);
        faults.Unless(places is >= 1 and <= MostDomains, "/max_domains", PlacesRule);
        faults.Unless(hosts.Count <= places, "/domains", $"{hosts.Count} domains do not fit: the license may hold {places}.");
        faults.Unless(CustomerOperations.IsNumber(wanted.UserId), "/user_id", CustomerOperations.NumberRule);
        CheckChannel(faults, wanted.Channel);
        faults.Throw();
        return hosts;
    }

    public static void CheckChannel(Faults faults, string? channel) => faults.Unless(
        string.IsNullOrEmpty(channel) || Label.Of(channel) is not null, "/channel", $"The channel must be stable, beta, alpha, dev or one of your own: {Label.Rule}.");

    /// <summary>Null is stable.</summary>
    public static string? ChannelOf(string? text) => string.IsNullOrEmpty(text) || Label.Of(text) is null or Channel.Stable ? null : Label.Of(text);

    static string NoDomain(string domain) => $"\"{domain}\" is not a domain: give a host name as example.com, or *.example.com for its subdomains.";

    public static string RequireDomain(string domain, string pointer) => CanonicalHost.OfPattern(domain) ?? throw OperationException.Invalid(pointer, NoDomain(domain));

    static readonly string PlacesRule = $"The number of domains must be 1 to {MostDomains}: for more, bind a wildcard as *.example.com, or issue another license.";

    static void RequirePlaces(int places)
    {
        if (places is < 1 or > MostDomains) throw OperationException.Invalid("/max_domains", PlacesRule);
    }
}
