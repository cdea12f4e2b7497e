using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Latchkey.Server.Data;
using Latchkey.Server.Http;

namespace Latchkey.Server.Backups;

/// <summary>Where things lie in a backup: <c>databases/ab/abcd…</c>.</summary>
static partial class BackupNames
{
    public const string Databases = "databases";
    public const string Secrets = "secrets";
    public const string Blobs = "blobs";
    public const string Manifests = "manifests";

    public static readonly string[] Contents = [Databases, Secrets, Blobs];

    public static string Of(string folder, string hash) => $"{folder}/{hash[..2]}/{hash}";

    const string Time = "yyyyMMdd'T'HHmmss.ffffff'Z'";

    /// <summary>They sort in the order in which they were made: by time, and where the clock went back, right after the one before.</summary>
    /// <param name="at">When it is made.</param>
    /// <param name="newest">The last there is; null: there is none.</param>
    public static string OfManifest(DateTimeOffset at, string? newest)
    {
        var name = OfManifest(at);
        return newest is null || string.CompareOrdinal(name, newest) > 0 ? name : OfManifest(TimeOf(newest).AddMicroseconds(1));
    }

    static string OfManifest(DateTimeOffset at) => $"{Manifests}/{at.UtcDateTime.ToString(Time, CultureInfo.InvariantCulture)}.json";

    static DateTimeOffset TimeOf(string manifest) =>
        DateTimeOffset.ParseExact(Path.GetFileNameWithoutExtension(manifest), Time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    public static bool IsManifest(string name) => Manifest().IsMatch(name);

    public static bool IsContent(string name) => Content().IsMatch(name);

    [GeneratedRegex(@"^manifests/\d{8}T\d{6}\.\d{6}Z\.json\z")]
    private static partial Regex Manifest();

    [GeneratedRegex(@"^(databases|secrets|blobs)/[0-9a-f]{2}/[0-9a-f]{64}\z")]
    private static partial Regex Content();
}

/// <summary>A file of a backup, as it lies there.</summary>
/// <param name="Sha256">In hex.</param>
sealed record BackupFile(string Name, long Size, string Sha256);

/// <summary>A published file that is not in the backup, and why.</summary>
sealed record MissingFile(string BlobId, string FileName, string Fault);

/// <summary>What a backup consists of. Written last: without it there is no backup.</summary>
/// <param name="Format">Of this file.</param>
/// <param name="MadeAt">When the database was copied.</param>
/// <param name="Version">Of the program.</param>
/// <param name="Schema">The last migration of the copy, which is SQLite's whatever it was made of.</param>
/// <param name="MadeFrom">As <c>SQLite 3.53.0</c>.</param>
/// <param name="Installation">The same for all backups of one installation.</param>
/// <param name="Store">Where the published files were.</param>
/// <param name="HasFiles">They are included; else they are referred to, and are backed up by other means.</param>
/// <param name="DatabaseBytes">Of the copy, opened.</param>
/// <param name="Rows">Of each table.</param>
/// <param name="Key">What the passphrase becomes a key with.</param>
/// <param name="Database">The copy in pieces, in their order, each encrypted.</param>
/// <param name="Secrets">Encrypted.</param>
/// <param name="Files">The published files, each once, under the SHA-256 of its content.</param>
/// <param name="Missing">Published files that could not be had.</param>
/// <param name="Mac">HMAC-SHA-256 of all of the above under the passphrase's key, in hex.</param>
sealed record BackupManifest(
    int Format, string MadeAt, string Version, string Schema, string MadeFrom, string Installation, string Store, bool HasFiles, long DatabaseBytes,
    IReadOnlyDictionary<string, long> Rows, KeyFacts Key, IReadOnlyList<BackupFile> Database, BackupFile Secrets, IReadOnlyList<BackupFile> Files,
    IReadOnlyList<MissingFile> Missing, string Mac)
{
    public const int CurrentFormat = 1;
    static readonly string NoMac = new('0', 64);

    public IEnumerable<BackupFile> Contents => [.. Database, Secrets, .. Files];

    public long Bytes => Contents.Sum(file => file.Size);

    public DateTimeOffset At => DateTimeOffset.Parse(MadeAt, CultureInfo.InvariantCulture);

    public byte[] Sign(BackupKey key)
    {
        var unsigned = JsonSerializer.SerializeToUtf8Bytes(this with { Mac = NoMac }, SnakeJson.Indented);
        return JsonSerializer.SerializeToUtf8Bytes(this with { Mac = Convert.ToHexStringLower(key.Mac(unsigned)) }, SnakeJson.Indented);
    }

    /// <summary>As it says itself: nobody has vouched for it.</summary>
    /// <exception cref="OperationException">It is none, or damaged.</exception>
    public static BackupManifest Read(byte[] text, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.GetProperty("format").GetInt32() > CurrentFormat) throw new OperationException($"{name} was made by a newer Latchkey: take that version or a newer one.");
            var manifest = JsonSerializer.Deserialize<BackupManifest>(text, SnakeJson.Options)!;
            if (manifest is { MadeAt: not null, Key: not null, Database: not null, Secrets: not null, Files: not null, Rows: not null } && manifest.Contents.All(file => BackupNames.IsContent(file.Name))) return manifest;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or ArgumentException)
        {
            // Said below.
        }

        throw Damaged(name);
    }

    /// <summary>Nothing in it was changed since it was made.</summary>
    /// <param name="text">As it lies there.</param>
    /// <param name="name">Of the file.</param>
    /// <param name="passphrase">What it was made with.</param>
    /// <exception cref="OperationException">It is another passphrase, or the file is damaged.</exception>
    public static (BackupManifest Manifest, BackupKey Key) Open(byte[] text, string name, string passphrase)
    {
        var manifest = Read(text, name);
        var key = BackupKey.Of(passphrase, manifest.Key) ?? throw new OperationException($"The passphrase is wrong: {name} was made with another one.");
        return CryptographicOperations.FixedTimeEquals(key.Mac(Unsigned(text)), MacOf(manifest)) ? (manifest, key) : throw Damaged(name);
    }

    static byte[] MacOf(BackupManifest manifest) => manifest.Mac?.Length == 64 && manifest.Mac.All(char.IsAsciiHexDigit) ? Convert.FromHexString(manifest.Mac) : [];

    static byte[] Unsigned(byte[] text)
    {
        var unsigned = text.ToArray();
        var at = text.AsSpan().LastIndexOf("\"mac\": \""u8) + 8;
        if (at + 64 <= unsigned.Length) Encoding.ASCII.GetBytes(NoMac).CopyTo(unsigned, at);
        return unsigned;
    }

    static OperationException Damaged(string name) => new($"{name} is damaged: restore from another backup (\"latchkey backup list\" shows them).");
}
