namespace Latchkey.Server.Admin.Access;

/// <summary>Lets a program use the admin API. The key itself is shown once, when it is made.</summary>
sealed class ApiKey
{
    public long Id { get; set; }
    public required string Name { get; set; }

    /// <summary>SHA-256 of the key; its 256 random bits need no pepper.</summary>
    public required byte[] Hash { get; set; }

    /// <summary>The last characters of the key, to tell one from another.</summary>
    public required string Suffix { get; set; }

    /// <summary>Permissions, with spaces between.</summary>
    public required string Scopes { get; set; }

    /// <summary>The only networks it may be used from (CIDR, with spaces between); null: from anywhere.</summary>
    public string? Networks { get; set; }

    public required string CreatedBy { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset? ExpiresAt { get; set; }
    public DateTimeOffset? RevokedAt { get; set; }
    public DateTimeOffset? LastUsedAt { get; set; }
    public string? LastUsedFrom { get; set; }
}

/// <summary>An answer kept for a day, so that a write that is sent twice happens once.</summary>
sealed class IdempotentAnswer
{
    public required string Actor { get; set; }
    public required string Key { get; set; }

    /// <summary>SHA-256 of method, path, query and body.</summary>
    public required byte[] Fingerprint { get; set; }

    public int Status { get; set; }

    /// <summary>The entity tag (or nothing), a line's end and the body, encrypted: it may hold a license key.</summary>
    public required byte[] Body { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}
