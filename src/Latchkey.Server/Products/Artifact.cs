using Latchkey.Server.Blobs;

namespace Latchkey.Server.Products;

enum ArtifactKind
{
    /// <summary>What customers come for.</summary>
    File = 0,

    /// <summary>A detached signature of a file.</summary>
    Signature = 1,

    /// <summary>A file's bill of materials.</summary>
    Sbom = 2,
}

/// <summary>A stored file of a release. It is never changed, and goes only with a release that was never published.</summary>
sealed class Artifact
{
    public long Id { get; set; }
    public long ReleaseId { get; set; }
    public long ProductId { get; set; }
    public ArtifactKind Kind { get; set; }

    /// <summary>Of a signature or a bill of materials: the file that it belongs to.</summary>
    public long? BesideId { get; set; }

    /// <summary>As <c>windows</c>; empty is for all.</summary>
    public string Platform { get; set; } = "";

    /// <summary>As <c>arm64</c>; empty is for all.</summary>
    public string Arch { get; set; } = "";

    /// <summary>What the customer's browser saves it as. Data, never a path of ours.</summary>
    public required string FileName { get; set; }

    public required string ContentType { get; set; }

    /// <summary>In bytes.</summary>
    public long Size { get; set; }

    public required byte[] Sha256 { get; set; }
    public required string BlobId { get; set; }
    public DateTimeOffset CreatedAt { get; set; }

    public StoredBlob Stored() => new(BlobId, Size, Sha256);
}
