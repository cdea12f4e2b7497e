namespace Latchkey.Server.Products;

/// <summary>Something a vendor sells.</summary>
sealed class Product
{
    /// <summary>Can be chosen: installers in the field have it built in.</summary>
    public long Id { get; set; }

    public required string Name { get; set; }
    public required string KeyPrefix { get; set; }

    /// <summary>Random characters after the prefix.</summary>
    public int KeyLength { get; set; }

    public bool ApiDownload { get; set; }

    /// <summary>A free place of a license is taken by the first domain that asks with its key.</summary>
    public bool BindOnFirstUse { get; set; }

    /// <summary>No longer sold: nothing new is issued, what was issued keeps working.</summary>
    public DateTimeOffset? ArchivedAt { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
    public List<Release> Releases { get; } = [];
}
