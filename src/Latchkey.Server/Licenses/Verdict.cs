using Latchkey.Server.Http;

namespace Latchkey.Server.Licenses;

/// <summary>What one look-up by key brings: the license, what its product says of it, its domains.</summary>
sealed record LicenseFacts(
    long Id,
    long ProductId,
    string ProductName,
    long? UserId,
    LicenseState State,
    int MaxDomains,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset CreatedAt,
    DateTimeOffset? LastRotated,
    bool BindOnFirstUse,
    bool ApiDownload,
    DateTimeOffset? UpdatesUntil,
    string? Channel,
    IReadOnlyList<string> Domains);

/// <summary>The answer to "is this license good for this domain and this product?".</summary>
abstract record Verdict
{
    /// <summary>Yes; <paramref name="Domain"/> is what the license is bound to, which may be a wildcard.</summary>
    public sealed record Granted(string Domain) : Verdict;

    /// <summary>Yes, as soon as the domain has taken a place that seems to be free.</summary>
    public sealed record GrantedOnceBound : Verdict;

    public sealed record Refused(Refusal Why) : Verdict;

    /// <summary>The rule, in the order of the contract. Knows neither HTTP nor SQL.</summary>
    /// <param name="license">Null if no license has the key.</param>
    /// <param name="host">A canonical host.</param>
    /// <param name="product">The product the client names.</param>
    /// <param name="now">The time of the request.</param>
    public static Verdict Judge(LicenseFacts? license, string host, long product, DateTimeOffset now)
    {
        if (license is null) return new Refused(Wire.InvalidLicense);
        if (license.State != LicenseState.Active) return new Refused(Wire.LicenseInactive);
        if (license.ExpiresAt <= now) return new Refused(Wire.LicenseExpired);
        var domain = BoundDomain(license, host);
        var bindable = domain is null && license.BindOnFirstUse && license.Domains.Count < license.MaxDomains;
        if (domain is null && !bindable) return new Refused(Wire.DomainMismatch);
        if (license.ProductId != product) return new Refused(Wire.ProductIdMismatch);
        return domain is null ? new GrantedOnceBound() : new Granted(domain);
    }

    /// <summary>The exact host rather than a wildcard that covers it too, and of two wildcards the nearer, in whatever order the database has them.</summary>
    static string? BoundDomain(LicenseFacts license, string host)
    {
        string? wildcard = null;
        foreach (var pattern in license.Domains)
        {
            if (pattern.Equals(host, StringComparison.Ordinal)) return pattern;
            if (pattern.Length > (wildcard?.Length ?? 0) && CanonicalHost.Covers(pattern, host)) wildcard = pattern;
        }

        return wildcard;
    }
}
