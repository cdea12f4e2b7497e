using Latchkey.Server.Backups;

namespace Latchkey.Server.Configuration;

/// <summary>Where backups go, and how often one is made.</summary>
/// <param name="To">A directory or a bucket; null: the server makes none by itself.</param>
/// <param name="Every">From one to the next.</param>
/// <param name="Keep">How many stay.</param>
/// <param name="HasFiles">Published files are included.</param>
/// <param name="Passphrase">Null: none was given.</param>
sealed record BackupSettings(string? To, TimeSpan Every, int Keep, bool HasFiles, string? Passphrase)
{
    public const string PassphraseName = "BACKUP_PASSPHRASE";
    public const string PassphraseVariable = Settings.EnvironmentPrefix + PassphraseName;
    public const int ShortestPassphrase = 12;

    public static readonly string TooShort = $"The passphrase has fewer than {ShortestPassphrase} characters, and could be guessed: take a longer one, as six words that a die chose.";

    public static BackupSettings Read(SettingsReader from)
    {
        var to = from.TextOrNull("Backup:To");
        var every = from.Duration("Backup:Every", TimeSpan.FromDays(1), TimeSpan.FromMinutes(5), TimeSpan.FromDays(31));
        var keep = from.Whole("Backup:Keep", 14, 1, 10_000);
        var hasFiles = from.OneOf("Backup:Files", "Include", "Include", "Reference") == "Include";
        var passphrase = from.TextOrNull(PassphraseName);
        if (to is not null && BackupPlaces.Fault(to) is { } fault) from.Add($"Backup:To is \"{to}\", which {fault}: it must be a directory, or s3://BUCKET/PREFIX.");
        else if (to is not null && BackupPlaces.IsArchive(to)) from.Add($"Backup:To is \"{to}\", a file, which holds one backup: it must be a directory, or s3://BUCKET/PREFIX.");
        if (passphrase?.Length < ShortestPassphrase) from.Add($"{PassphraseVariable}: {TooShort}");
        return new BackupSettings(to, every, keep, hasFiles, passphrase);
    }
}
