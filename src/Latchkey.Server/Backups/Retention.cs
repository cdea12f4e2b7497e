namespace Latchkey.Server.Backups;

/// <summary>
/// Removes the oldest backups, and then what none of those that stay refers to. It does so after a backup that lacks nothing,
/// while no other is made, and only where it can read what every backup that stays refers to.
/// </summary>
static class Retention
{
    /// <param name="place">Where they lie.</param>
    /// <param name="keep">How many stay, the newest: at least one.</param>
    /// <param name="stop">Ends it early.</param>
    /// <returns>How many went; and why none did, where that needs somebody.</returns>
    public static async Task<(int Removed, string? Fault)> Apply(IBackupPlace place, int keep, CancellationToken stop)
    {
        var all = await BackupList.Of(place, stop);
        if (all.Take(keep).FirstOrDefault(entry => entry.Manifest is null) is { } unreadable)
        {
            return (0, $"Older backups were not removed: {unreadable.Fault} If it is of no use any more, remove that file.");
        }

        var old = all.Skip(keep).ToList();
        foreach (var backup in old) await place.Delete(backup.Name);
        var used = all.Take(keep).SelectMany(entry => entry.Manifest!.Contents).Select(file => file.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var folder in BackupNames.Contents)
        {
            foreach (var name in (await place.All(folder, stop)).Keys.Where(name => BackupNames.IsContent(name) && !used.Contains(name))) await place.Delete(name);
        }

        return (old.Count, null);
    }
}
