using System.Globalization;
using Latchkey.Server.Data;
using Latchkey.Server.Products;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Licenses;

/// <summary>What a new license is to be; null is as usual.</summary>
sealed record IssueLicense(
    long ProductId, IReadOnlyList<string> Domains, int? MaxDomains = null, long? UserId = null, DateTimeOffset? ExpiresAt = null, string? Key = null);

/// <summary>What is to change; null leaves as it is.</summary>
sealed record EditLicense(int? MaxDomains, long? UserId, DateTimeOffset? ExpiresAt, bool NeverExpires);

/// <summary>What a vendor and a support agent do with licenses.</summary>
sealed class LicenseOperations(LatchkeyDb db, Secrets secrets, TimeProvider clock)
{
    public const int MostDomains = 10_000;

    public LicenseView Issue(IssueLicense wanted)
    {
        var product = new ProductOperations(db, clock).Find(wanted.ProductId);
        if (wanted.Key is { } brought && !LicenseKey.IsWellFormed(brought)) throw new OperationException($"A license key must be {LicenseKey.Rule}.");
        var hosts = wanted.Domains.Select(RequireDomain).Distinct(StringComparer.Ordinal).ToList();
        var places = RequirePlaces(wanted.MaxDomains ?? Math.Max(1, hosts.Count));
        if (hosts.Count > places) throw new OperationException($"{hosts.Count} domains do not fit into --max-domains {places}.");
        var (key, hash) = NewKey(wanted.Key ?? LicenseKey.Generate(product.KeyPrefix, product.KeyLength));
        var now = clock.GetUtcNow();
        var license = new License
        {
            ProductId = product.Id,
            KeyHash = hash,
            KeyCipher = secrets.Seal(key, hash),
            KeySuffix = LicenseKey.Suffix(key),
            UserId = wanted.UserId,
            MaxDomains = places,
            ExpiresAt = wanted.ExpiresAt,
            CreatedAt = now,
        };
        license.Domains.AddRange(hosts.Select(host => new LicenseDomain { Host = host, BoundAt = now }));
        db.Add(license);
        db.SaveChanges();
        return Show(license.Id);
    }

    public LicenseView Show(string idOrKey) => Show(Find(idOrKey).Id);

    LicenseView Show(long id)
    {
        var license = Whole().AsNoTracking().Single(l => l.Id == id);
        return LicenseView.Of(license, secrets.Open(license.KeyCipher, license.KeyHash), clock.GetUtcNow());
    }

    /// <summary>By id, without the keys; read as it is walked through.</summary>
    public IEnumerable<LicenseView> List(long? product, string? domain, long? user = null)
    {
        var licenses = Whole().AsNoTracking();
        if (product is { } id)
        {
            new ProductOperations(db, clock).Find(id);
            licenses = licenses.Where(l => l.ProductId == id);
        }

        if (user is not null) licenses = licenses.Where(l => l.UserId == user);
        if (domain is not null)
        {
            var host = RequireDomain(domain);
            licenses = licenses.Where(l => l.Domains.Any(d => d.Host == host));
        }

        var now = clock.GetUtcNow();
        return licenses.OrderBy(l => l.Id).AsEnumerable().Select(license => LicenseView.Of(license, null, now));
    }

    public LicenseView Suspend(string idOrKey) => SetState(idOrKey, LicenseState.Suspended);
    public LicenseView Resume(string idOrKey) => SetState(idOrKey, LicenseState.Active);
    public LicenseView Revoke(string idOrKey) => SetState(idOrKey, LicenseState.Revoked);

    LicenseView SetState(string idOrKey, LicenseState state)
    {
        using var change = db.Database.BeginTransaction();
        var license = Find(idOrKey);
        if (license.State == LicenseState.Revoked && state != LicenseState.Revoked) throw Final(license);
        license.State = state;
        return Save(change, license);
    }

    /// <summary>A new key; the old one is unknown from the next request on.</summary>
    public LicenseView Rotate(string idOrKey)
    {
        using var change = db.Database.BeginTransaction();
        var license = Find(idOrKey);
        if (license.State == LicenseState.Revoked) throw Final(license);
        var product = db.Products.Single(p => p.Id == license.ProductId);
        var (key, hash) = NewKey(LicenseKey.Generate(product.KeyPrefix, product.KeyLength));
        (license.KeyHash, license.KeyCipher, license.KeySuffix, license.LastRotated) = (hash, secrets.Seal(key, hash), LicenseKey.Suffix(key), clock.GetUtcNow());
        return Save(change, license);
    }

    public LicenseView Bind(string idOrKey, string domain)
    {
        using var change = db.Database.BeginTransaction();
        var license = Find(idOrKey);
        var host = RequireDomain(domain);
        var bound = db.LicenseDomains.Where(d => d.LicenseId == license.Id).Select(d => d.Host).ToList();
        if (bound.Contains(host)) return Save(change, license);
        if (bound.Count >= license.MaxDomains)
        {
            throw new OperationException(string.Create(CultureInfo.InvariantCulture,
                $"License {license.Id} holds {license.MaxDomains} of {license.MaxDomains} domains ({string.Join(", ", bound.Take(5))}): unbind one, or raise --max-domains with \"latchkey license edit\"."));
        }

        db.Add(new LicenseDomain { LicenseId = license.Id, Host = host, BoundAt = clock.GetUtcNow() });
        return Save(change, license);
    }

    public LicenseView Unbind(string idOrKey, string domain)
    {
        using var change = db.Database.BeginTransaction();
        var license = Find(idOrKey);
        var host = RequireDomain(domain);
        var bound = db.LicenseDomains.SingleOrDefault(d => d.LicenseId == license.Id && d.Host == host)
            ?? throw new OperationException($"License {license.Id} is not bound to {host}: \"latchkey license show {license.Id}\" lists its domains.");
        db.Remove(bound);
        return Save(change, license);
    }

    public LicenseView Edit(string idOrKey, EditLicense edit)
    {
        using var change = db.Database.BeginTransaction();
        var license = Find(idOrKey);
        if (edit.MaxDomains is { } places)
        {
            var bound = db.LicenseDomains.Count(d => d.LicenseId == license.Id);
            if (bound > RequirePlaces(places)) throw new OperationException($"License {license.Id} is bound to {bound} domains: unbind some first.");
            license.MaxDomains = places;
        }

        license.UserId = edit.UserId ?? license.UserId;
        license.ExpiresAt = edit.NeverExpires ? null : edit.ExpiresAt ?? license.ExpiresAt;
        return Save(change, license);
    }

    static OperationException Final(License license) => new($"License {license.Id} is revoked, which is for good: issue a new one.");

    LicenseView Save(Microsoft.EntityFrameworkCore.Storage.IDbContextTransaction change, License license)
    {
        db.SaveChanges();
        change.Commit();
        return Show(license.Id);
    }

    /// <summary>By key if there is one such, else by id: an imported key may be all digits.</summary>
    License Find(string idOrKey)
    {
        var text = idOrKey.Trim();
        var hash = secrets.Hash(text);
        var license = db.Licenses.SingleOrDefault(l => l.KeyHash == hash);
        if (license is null && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id)) license = db.Licenses.Find(id);
        return license ?? throw new OperationException("There is no license with this id or key. A key is read letter by letter, capitals apart, and is unknown once rotated: \"latchkey license list\" finds a license by --domain or --user.");
    }

    (string Key, byte[] Hash) NewKey(string key)
    {
        var hash = secrets.Hash(key);
        return db.Licenses.Any(l => l.KeyHash == hash) ? throw new OperationException("There is a license with this key already.") : (key, hash);
    }

    IQueryable<License> Whole() => db.Licenses.Include(l => l.Product).Include(l => l.Domains).Include(l => l.LastSeen);

    static string RequireDomain(string domain) =>
        CanonicalHost.OfPattern(domain)
        ?? throw new OperationException($"\"{domain}\" is not a domain: give a host name as example.com, or *.example.com for its subdomains.");

    static int RequirePlaces(int places) =>
        places is >= 1 and <= MostDomains ? places : throw new OperationException($"--max-domains must be 1 to {MostDomains}.");
}
