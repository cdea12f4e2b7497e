using System.Security.Cryptography;
using System.Text;

namespace Latchkey.Server.Backups;

/// <summary>How a passphrase becomes a key; it stands in the manifest, and is no secret.</summary>
/// <param name="Iterations">Of PBKDF2 with HMAC-SHA-256.</param>
/// <param name="Salt">16 random bytes, in hex.</param>
/// <param name="Check">Tells a wrong passphrase from a damaged file, in hex.</param>
sealed record KeyFacts(int Iterations, string Salt, string Check);

/// <summary>
/// The keys that a passphrase stands for. What is the same is sealed the same, so that a piece that is there already is
/// known by its name; the name is a keyed hash, and tells nobody what is in it.
/// </summary>
sealed class BackupKey
{
    const int Iterations = 600_000;
    const int MostIterations = 20_000_000;
    const int NonceBytes = 12;
    const int TagBytes = 16;

    readonly byte[] _encryption;
    readonly byte[] _naming;
    readonly byte[] _manifest;

    BackupKey(string passphrase, byte[] salt, int iterations)
    {
        var root = Rfc2898DeriveBytes.Pbkdf2(passphrase.Normalize(), salt, iterations, HashAlgorithmName.SHA256, 32);
        (_encryption, _naming, _manifest) = (Part(root, "encryption"), Part(root, "naming"), Part(root, "manifest"));
        Facts = new KeyFacts(iterations, Convert.ToHexStringLower(salt), Convert.ToHexStringLower(Part(root, "check").AsSpan(0, 16)));
    }

    public KeyFacts Facts { get; }

    static byte[] Part(byte[] root, string purpose) => HKDF.Expand(HashAlgorithmName.SHA256, root, 32, Encoding.ASCII.GetBytes("latchkey backup " + purpose));

    /// <summary>With a salt of its own.</summary>
    public static BackupKey New(string passphrase) => new(passphrase, RandomNumberGenerator.GetBytes(16), Iterations);

    /// <returns>Null: it is another passphrase, or the facts are damaged.</returns>
    public static BackupKey? Of(string passphrase, KeyFacts facts)
    {
        if (facts.Iterations is < Iterations or > MostIterations || facts.Salt.Length != 32 || !facts.Salt.All(char.IsAsciiHexDigit)) return null;
        var key = new BackupKey(passphrase, Convert.FromHexString(facts.Salt), facts.Iterations);
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(key.Facts.Check), Encoding.UTF8.GetBytes(facts.Check)) ? key : null;
    }

    public byte[] Mac(ReadOnlySpan<byte> text) => HMACSHA256.HashData(_manifest, text);

    /// <summary>AES-256-GCM: nonce (12), tag (16), text. The nonce is made of the text, so that none is used for two.</summary>
    /// <param name="folder">What it is: a piece is never taken for another.</param>
    public (string Name, byte[] Content) Seal(string folder, ReadOnlySpan<byte> text)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _naming);
        hmac.AppendData(Encoding.ASCII.GetBytes(folder + "\0"));
        hmac.AppendData(text);
        var name = hmac.GetHashAndReset();
        var content = new byte[NonceBytes + TagBytes + text.Length];
        name.AsSpan(0, NonceBytes).CopyTo(content);
        using var aes = new AesGcm(_encryption, TagBytes);
        aes.Encrypt(content.AsSpan(0, NonceBytes), text, content.AsSpan(NonceBytes + TagBytes), content.AsSpan(NonceBytes, TagBytes), Encoding.ASCII.GetBytes(folder));
        return (BackupNames.Of(folder, Convert.ToHexStringLower(name)), content);
    }

    /// <exception cref="CryptographicException">It is not what was sealed.</exception>
    public byte[] Open(string folder, ReadOnlySpan<byte> content)
    {
        if (content.Length < NonceBytes + TagBytes) throw new CryptographicException();
        var text = new byte[content.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(_encryption, TagBytes);
        aes.Decrypt(content[..NonceBytes], content[(NonceBytes + TagBytes)..], content.Slice(NonceBytes, TagBytes), text, Encoding.ASCII.GetBytes(folder));
        return text;
    }
}
