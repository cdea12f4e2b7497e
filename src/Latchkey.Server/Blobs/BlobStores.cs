using System.Security.Cryptography;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;

namespace Latchkey.Server.Blobs;

/// <summary>The store that the settings name.</summary>
static class BlobStores
{
    /// <param name="settings">Null: files in the data directory.</param>
    /// <param name="data">The data directory.</param>
    /// <param name="secrets">Tell one installation from another.</param>
    public static IBlobStore Of(BlobSettings? settings, string data, Secrets secrets) =>
        settings is { IsS3: true } ? InBucket(settings.S3, secrets) : new FileBlobStore(Path.GetFullPath(settings?.Directory ?? Path.Combine(data, "files")));

    public static S3BlobStore InBucket(S3Settings settings, Secrets secrets) =>
        new(settings, Convert.ToHexStringLower(SHA256.HashData([.. "latchkey blobs"u8, .. secrets.Check()]).AsSpan(0, 8)));
}
