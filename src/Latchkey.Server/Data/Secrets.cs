using System.Security.Cryptography;
using System.Text;

namespace Latchkey.Server.Data;

/// <summary>
/// The two secrets of an installation, each in a file of its own, outside the database: the pepper
/// that keys are hashed under, and the key that encrypts the copies an operator can show again.
/// </summary>
sealed class Secrets : IDisposable
{
    public const int Bytes = 32;
    const string PepperFile = "pepper.key";
    const string EncryptionFile = "encryption.key";

    readonly byte[] _encryption;

    Secrets(byte[] pepper, byte[] encryption)
    {
        _encryption = encryption;
        _hmac = new ThreadLocal<IncrementalHash>(() => IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, pepper));
    }

    // A thread's own, made once: setting up an HMAC costs three times as much as a short text under it.
    readonly ThreadLocal<IncrementalHash> _hmac;

    /// <summary>HMAC-SHA-256 under the pepper.</summary>
    public void Hash(ReadOnlySpan<byte> text, Span<byte> hash)
    {
        var hmac = _hmac.Value!;
        hmac.AppendData(text);
        hmac.GetHashAndReset(hash);
    }

    public byte[] Hash(string text)
    {
        var hash = new byte[32];
        Hash(Encoding.UTF8.GetBytes(text), hash);
        return hash;
    }

    /// <summary>AES-256-GCM: nonce (12), tag (16), text; tied to the hash, so that rows cannot be swapped.</summary>
    public byte[] Seal(string text, byte[] hash)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var sealed_ = new byte[12 + 16 + plain.Length];
        RandomNumberGenerator.Fill(sealed_.AsSpan(0, 12));
        using var aes = new AesGcm(_encryption, 16);
        aes.Encrypt(sealed_.AsSpan(0, 12), plain, sealed_.AsSpan(28), sealed_.AsSpan(12, 16), hash);
        return sealed_;
    }

    /// <exception cref="CryptographicException">Sealed under another key, or changed since.</exception>
    public string Open(byte[] sealed_, byte[] hash)
    {
        var plain = new byte[sealed_.Length - 28];
        using var aes = new AesGcm(_encryption, 16);
        aes.Decrypt(sealed_.AsSpan(0, 12), sealed_.AsSpan(28), sealed_.AsSpan(12, 16), plain, hash);
        return Encoding.UTF8.GetString(plain);
    }

    /// <summary>What the database keeps to recognize its pepper and its encryption key.</summary>
    public byte[] Check() => SHA256.HashData([.. Hash("latchkey pepper check"), .. HMACSHA256.HashData(_encryption, "latchkey encryption check"u8)]);

    public void Dispose() => _hmac.Dispose();

    public static string[] Files(string directory) =>
        [Path.Combine(directory, PepperFile), Path.Combine(directory, EncryptionFile)];

    /// <exception cref="DataDirectoryException">A file is missing or not a secret of ours.</exception>
    public static Secrets Load(string directory)
    {
        var files = Files(directory);
        return new Secrets(Read(files[0]), Read(files[1]));
    }

    /// <summary>Makes the secrets that are not there yet.</summary>
    public static void Create(string directory)
    {
        foreach (var file in Files(directory).Where(file => !File.Exists(file))) Write(file, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Bytes)) + "\n");
        Posix.SyncDirectory(directory);
    }

    /// <summary>Puts a secret into its place, in one step.</summary>
    public static void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var temporary = file + ".new";
        using (var stream = File.Create(temporary))
        {
            stream.Write(Encoding.ASCII.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, file);
    }

    static byte[] Read(string file)
    {
        if (!File.Exists(file))
        {
            throw new DataDirectoryException(
                $"The secret file {file} is missing beside an existing database: put it back from your backup."
                + " Without it no license key can be recognized. (A further node on PostgreSQL needs a copy of the first one's.)");
        }

        var text = File.ReadAllText(file).Trim();
        if (text.Length == Bytes * 2 && text.All(char.IsAsciiHexDigit)) return Convert.FromHexString(text);
        throw new DataDirectoryException($"The secret file {file} is damaged (64 hexadecimal digits were expected): put it back from your backup.");
    }
}
