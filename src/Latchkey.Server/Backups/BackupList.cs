using Latchkey.Server.Data;

namespace Latchkey.Server.Backups;

/// <summary>A backup of a place. <paramref name="Fault"/> says why it has no manifest that can be read.</summary>
sealed record ListedBackup(string Name, BackupManifest? Manifest, string? Fault);

static class BackupList
{
    /// <summary>As they say themselves, the newest first.</summary>
    /// <exception cref="IOException">The place cannot be read.</exception>
    public static async Task<IReadOnlyList<ListedBackup>> Of(IBackupPlace place, CancellationToken stop)
    {
        var all = new List<ListedBackup>();
        foreach (var name in await Names(place, stop)) all.Add(await Read(place, name, stop));
        return all;
    }

    /// <summary>Of manifests, the newest first.</summary>
    public static async Task<IReadOnlyList<string>> Names(IBackupPlace place, CancellationToken stop) =>
        [.. (await place.All(BackupNames.Manifests, stop)).Keys.Where(BackupNames.IsManifest).OrderDescending(StringComparer.Ordinal)];

    static async Task<ListedBackup> Read(IBackupPlace place, string name, CancellationToken stop)
    {
        try
        {
            return new ListedBackup(name, BackupManifest.Read(await place.Read(name, stop), name), null);
        }
        catch (OperationException damaged)
        {
            return new ListedBackup(name, null, damaged.Message);
        }
    }
}
