using Latchkey.Server.Configuration;
using Latchkey.Server.Data;

namespace Latchkey.Server.Backups;

/// <summary>A backup, and what goes after it, by the settings of an installation.</summary>
/// <param name="data">The installation.</param>
/// <param name="settings">Where its secrets are.</param>
/// <param name="hasFiles">Published files are included.</param>
/// <param name="keep">How many stay; null: all.</param>
/// <param name="clock">Of this node.</param>
sealed class ScheduledBackup(DataDirectory data, Settings settings, bool hasFiles, int? keep, TimeProvider clock)
{
    public Action<string, long, long>? Progress { get; init; }

    public async Task<FinishedBackup> Make(IBackupPlace place, string passphrase, CancellationToken stop)
    {
        var secrets = settings.Database.IsPostgreSql ? PostgreSqlInstallation.SecretsDirectory(settings) : DataDirectory.SecretsDirectory(data.Path);
        var made = await new MakeBackup(data, secrets, hasFiles, clock) { Progress = Progress }.Run(place, passphrase, stop);
        var notes = new List<string>();
        var missing = made.Manifest.Missing;
        if (missing.Count > 0) notes.Add($"{missing.Count} published file{(missing.Count == 1 ? " is" : "s are")} not in it, {missing[0].FileName} for one, which {missing[0].Fault}: \"latchkey doctor\" says what to do.{(keep is null ? "" : " Older backups were kept.")}");
        if (made.IsNewKey) notes.Add("It has another passphrase than the backups before it: keep theirs too.");
        if (keep is null || missing.Count > 0) return new FinishedBackup(made, 0, Text(notes));
        var (removed, fault) = await Retention.Apply(place, keep.Value, stop);
        if (fault is not null) notes.Add(fault);
        return new FinishedBackup(made, removed, Text(notes));
    }

    static string? Text(List<string> notes) => notes.Count == 0 ? null : string.Join(" ", notes);
}
