using Latchkey.Server.Configuration;

namespace Latchkey.Server.Backups;

/// <summary>A place as it is written: a directory, a file that ends in <c>.tar</c>, or <c>s3://BUCKET/PREFIX</c>.</summary>
static class BackupPlaces
{
    const string Scheme = "s3://";

    /// <returns>What is wrong with it; null if nothing is.</returns>
    public static string? Fault(string place)
    {
        if (place.Trim().Length == 0) return "is empty";
        if (place.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return place[Scheme.Length..].Split('/')[0].Length == 0 ? "names no bucket" : null;
        return place.Contains("://", StringComparison.Ordinal) ? "is no place for backups" : null;
    }

    public static bool IsArchive(string place) => !place.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && place.EndsWith(BackupArchive.Extension, StringComparison.OrdinalIgnoreCase);

    /// <param name="place">Without a fault.</param>
    /// <param name="settings">How buckets are reached.</param>
    public static IBackupPlace Of(string place, Settings settings)
    {
        if (!place.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            var path = Path.GetFullPath(place);
            return IsArchive(place) ? new BackupArchive(path) : new BackupDirectory(path);
        }

        var parts = place[Scheme.Length..].Split('/', 2);
        return new BackupBucket(settings.Blobs.S3 with { Bucket = parts[0], Prefix = parts.Length == 2 ? BlobSettings.PrefixOf(parts[1]) : "latchkey-backups/" });
    }
}
