using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Latchkey.Server.Data;

namespace Latchkey.Server.Tests.DataDirectories;

/// <summary>What keys are hashed under and sealed with.</summary>
public sealed class SecretsTests : IDisposable
{
    readonly string _home = Directory.CreateTempSubdirectory("latchkey-test-").FullName;
    readonly string _pepper;
    readonly string _encryption;

    public SecretsTests() => (_pepper, _encryption) = (Path.Combine(_home, "pepper.key"), Path.Combine(_home, "encryption.key"));

    public void Dispose() => Directory.Delete(_home, recursive: true);

    Secrets Made()
    {
        Secrets.Create(_home);
        return Secrets.Load(_home);
    }

    static readonly byte[] Other = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    [Fact]
    public void Two_secrets_of_256_bits_are_made_and_differ()
    {
        using var secrets = Made();
        Assert.Equal([_pepper, _encryption], Secrets.Files(_home));
        var texts = Secrets.Files(_home).Select(File.ReadAllText).ToList();
        Assert.All(texts, text => Assert.Matches("^[0-9a-f]{64}\n\\z", text));
        Assert.NotEqual(texts[0], texts[1]);
        Assert.Equal(2, Directory.GetFiles(_home).Length);
    }

    [Fact]
    public void What_is_there_is_kept()
    {
        using var first = Made();
        var pepper = File.ReadAllText(_pepper);
        File.Delete(_encryption);
        Secrets.Create(_home);
        Assert.Equal(pepper, File.ReadAllText(_pepper));
        Assert.True(File.Exists(_encryption));
    }

    [Fact]
    public void A_hash_is_HMAC_SHA_256_under_the_pepper_again_and_again()
    {
        using var secrets = Made();
        var pepper = Convert.FromHexString(File.ReadAllText(_pepper).Trim());
        Gen.String.Sample(text => secrets.Hash(text).AsSpan().SequenceEqual(HMACSHA256.HashData(pepper, Encoding.UTF8.GetBytes(text))));
    }

    [Fact]
    public void The_sealed_copy_opens_only_under_its_own_hash()
    {
        using var secrets = Made();
        Gen.String.Sample(text =>
        {
            var hash = secrets.Hash(text);
            var closed = secrets.Seal(text, hash);
            Assert.Equal(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)), secrets.Open(closed, hash));
            Assert.ThrowsAny<CryptographicException>(() => secrets.Open(closed, secrets.Hash(text + "x")));
        }, iter: 300);
    }

    /// <summary>Nonce (12), tag (16), text: what was sealed by one version is opened by the next.</summary>
    [Fact]
    public void The_sealed_copy_has_the_form_that_databases_hold_and_never_the_same_nonce()
    {
        using var secrets = Made();
        var hash = secrets.Hash("KEY");
        var copies = Enumerable.Range(0, 100).Select(_ => secrets.Seal("KEY", hash)).ToList();
        Assert.Equal(100, copies.Select(copy => Convert.ToHexString(copy.AsSpan(0, 12))).Distinct().Count());
        using var aes = new AesGcm(Convert.FromHexString(File.ReadAllText(_encryption).Trim()), 16);
        foreach (var copy in copies)
        {
            Assert.Equal(28 + 3, copy.Length);
            var plain = new byte[3];
            aes.Decrypt(copy.AsSpan(0, 12), copy.AsSpan(28), copy.AsSpan(12, 16), plain, hash);
            Assert.Equal("KEY"u8.ToArray(), plain);
        }
    }

    [Fact]
    public void The_check_tells_another_pepper_and_another_encryption_key()
    {
        using var secrets = Made();
        var check = secrets.Check();
        Assert.Equal(check, secrets.Check());
        var pepper = Convert.FromHexString(File.ReadAllText(_pepper).Trim());
        var encryption = Convert.FromHexString(File.ReadAllText(_encryption).Trim());
        Assert.Equal(SHA256.HashData([.. HMACSHA256.HashData(pepper, "latchkey pepper check"u8), .. HMACSHA256.HashData(encryption, "latchkey encryption check"u8)]), check);
        foreach (var file in Secrets.Files(_home))
        {
            var before = File.ReadAllText(file);
            File.WriteAllText(file, Convert.ToHexStringLower(Other));
            using var changed = Secrets.Load(_home);
            Assert.NotEqual(check, changed.Check());
            File.WriteAllText(file, before);
        }
    }

    [Theory]
    [InlineData("pepper.key")]
    [InlineData("encryption.key")]
    public void A_secret_that_is_missing_or_damaged_is_named(string name)
    {
        Secrets.Create(_home);
        var file = Path.Combine(_home, name);
        var good = File.ReadAllText(file).Trim();
        foreach (var damaged in new[] { "", good[1..], good + "0", "g" + good[1..], good[..32] + "\n" + good[33..] })
        {
            File.WriteAllText(file, damaged);
            Assert.Equal($"The secret file {file} is damaged (64 hexadecimal digits were expected): put it back from your backup.", Assert.Throws<DataDirectoryException>(() => Secrets.Load(_home)).Message);
        }

        File.WriteAllText(file, $"  {good.ToUpperInvariant()}\r\n");
        Secrets.Load(_home).Dispose();
        File.Delete(file);
        Assert.Equal(
            $"The secret file {file} is missing beside an existing database: put it back from your backup. Without it no license key can be recognized. (A further node on PostgreSQL needs a copy of the first one's.)",
            Assert.Throws<DataDirectoryException>(() => Secrets.Load(_home)).Message);
    }

    [Fact]
    public void A_secret_is_put_into_its_place_in_one_step_and_never_over_another()
    {
        var file = Path.Combine(_home, "deep", "down", "a.key");
        Secrets.Write(file, "one");
        Assert.Equal("one", File.ReadAllText(file));
        Assert.Equal([file], Directory.GetFiles(Path.GetDirectoryName(file)!));
        Assert.ThrowsAny<IOException>(() => Secrets.Write(file, "two"));
        Assert.Equal("one", File.ReadAllText(file));
    }
}
