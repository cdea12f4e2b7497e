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
    public static IBlobStore Of(BlobSettings? settings, string data, Secrets secrets) => settings switch
    {
        { IsS3: true } => InBucket(settings.S3, secrets),
        { Directory: { } directory } => InDirectory(Path.GetFullPath(directory), data, secrets),
        _ => new FileBlobStore(OwnDirectory(data)),
    };

    /// <param name="directory">Absolute.</param>
    /// <param name="data">The data directory.</param>
    /// <param name="secrets">Tell one installation from another.</param>
    public static FileBlobStore InDirectory(string directory, string data, Secrets secrets) =>
        new(directory, directory == OwnDirectory(data) ? null : new FileBlobOwner(directory, Path.GetFullPath(data), NameOf(secrets)));

    public static S3BlobStore InBucket(S3Settings settings, Secrets secrets) => new(settings, NameOf(secrets));

    static string OwnDirectory(string data) => Path.GetFullPath(Path.Combine(data, "files"));

    /// <summary>Of an installation: the same for all of its servers, and for no other.</summary>
    public static string NameOf(Secrets secrets) => Convert.ToHexStringLower(SHA256.HashData([.. "latchkey blobs"u8, .. secrets.Check()]).AsSpan(0, 8));
}
