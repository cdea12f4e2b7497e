using Latchkey.Server.Products;

namespace Latchkey.Server.Licenses;

enum LicenseState
{
    Active = 0,

    /// <summary>Refused until it is resumed.</summary>
    Suspended = 1,

    /// <summary>Refused for good.</summary>
    Revoked = 2,
}

/// <summary>The right to run one product on a number of domains.</summary>
sealed class License
{
    public long Id { get; set; }
    public long ProductId { get; set; }
    public Product? Product { get; set; }

    /// <summary>HMAC-SHA-256 of the key under the pepper: how a key is found.</summary>
    public required byte[] KeyHash { get; set; }

    /// <summary>The key under AES-256-GCM, only so that an operator can show it again.</summary>
    public required byte[] KeyCipher { get; set; }

    /// <summary>The last characters of the key, by which an operator finds it: a quarter of it, four at the most.</summary>
    public required string KeySuffix { get; set; }

    /// <summary>The vendor's own customer number.</summary>
    public long? UserId { get; set; }

    public LicenseState State { get; set; }
    public int MaxDomains { get; set; }

    /// <summary>It verifies until then.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>It may have what was published up to then, for as long as it verifies.</summary>
    public DateTimeOffset? UpdatesUntil { get; set; }

    /// <summary>The channel it is on; null is stable.</summary>
    public string? Channel { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset? LastRotated { get; set; }
    public List<LicenseDomain> Domains { get; } = [];
    public LastSeen? LastSeen { get; set; }
}

/// <summary>A key that a license had before it was rotated: what support recognizes it by, and good until its overlap ends.</summary>
sealed class RetiredKey
{
    public required byte[] KeyHash { get; set; }
    public long LicenseId { get; set; }
    public DateTimeOffset RetiredAt { get; set; }
    public DateTimeOffset GoodUntil { get; set; }
}

/// <summary>One domain that a license is bound to: a canonical host, or <c>*.</c> before one.</summary>
sealed class LicenseDomain
{
    public long LicenseId { get; set; }
    public required string Host { get; set; }
    public DateTimeOffset BoundAt { get; set; }
}

/// <summary>The last time a license was asked about, and what was answered.</summary>
sealed class LastSeen
{
    public long LicenseId { get; set; }
    public DateTimeOffset At { get; set; }
    public required string Address { get; set; }
    public required string Domain { get; set; }

    /// <summary>The wire's <c>error_code</c>, or <c>OK</c>.</summary>
    public required string Outcome { get; set; }
}
