namespace Latchkey.Server.Downloads;

/// <summary>A one-time link to one artifact. The token itself is known to its holder alone.</summary>
sealed class DownloadToken
{
    public long Id { get; set; }

    /// <summary>SHA-256 of the token; 256 random bits need no pepper.</summary>
    public required byte[] Hash { get; set; }

    public long LicenseId { get; set; }
    public long ArtifactId { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset ExpiresAt { get; set; }

    /// <summary>An operator took it back.</summary>
    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>The one client address that may fetch the file, set by its first GET.</summary>
    public string? ClaimedBy { get; set; }

    public DateTimeOffset? ClaimedAt { get; set; }

    /// <summary>The transfer in progress, if any, and until when it is taken to be alive.</summary>
    public string? Transfer { get; set; }

    public DateTimeOffset? LeaseUntil { get; set; }

    /// <summary>How far into the file the transfers came, as last written down: for people.</summary>
    public long BytesSent { get; set; }

    /// <summary>How far they may have come, written before it happens: from anywhere up to here the claimant may go on.</summary>
    public long HighWater { get; set; }

    /// <summary>Bytes of all transfers together, charged before they leave; what did not leave is taken off at a transfer's end.</summary>
    public long BytesServed { get; set; }

    /// <summary>Transfers begun: the first, and the resumptions.</summary>
    public int Attempts { get; set; }

    /// <summary>When the file was left to the web server in front or to the store, which do not tell how far it got.</summary>
    public DateTimeOffset? DelegatedAt { get; set; }

    /// <summary>When the last byte was handed over. Never unset, but by the transfer that failed to hand it over.</summary>
    public DateTimeOffset? SpentAt { get; set; }
}
