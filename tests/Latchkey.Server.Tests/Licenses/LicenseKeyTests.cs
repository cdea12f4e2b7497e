using CsCheck;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Licenses;

public sealed class LicenseKeyTests
{
    [Fact]
    public void Is_a_prefix_and_sixteen_characters_or_as_many_as_asked() =>
        Gen.Int[16, 64].Sample(length => System.Text.RegularExpressions.Regex.IsMatch(LicenseKey.Generate("ACME", length), $"^ACME_[A-Z0-9]{{{length}}}$"));

    /// <summary>χ² over 36 symbols, 35 degrees of freedom: above 73.4 with a probability of 1 in 10,000; at each place and in all.</summary>
    [Fact]
    public void Draws_every_character_equally_often()
    {
        const int keys = 100_000;
        var counts = new int[16, 36];
        for (var k = 0; k < keys; k++)
        {
            var key = LicenseKey.Generate("P", 16);
            for (var i = 0; i < 16; i++) counts[i, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".IndexOf(key[i + 2])]++;
        }

        const double expected = keys / 36.0;
        var places = Enumerable.Range(0, 16).Select(i => Enumerable.Range(0, 36).Sum(c => Math.Pow(counts[i, c] - expected, 2) / expected)).ToList();
        var all = Enumerable.Range(0, 36).Sum(c => Math.Pow(Enumerable.Range(0, 16).Sum(i => counts[i, c]) - 16 * expected, 2) / (16 * expected));
        Assert.InRange(places.Max(), 0, 85);
        Assert.InRange(all, 0, 73.4);
    }

    [Theory]
    [InlineData("12345678", true)]
    [InlineData("old-Shop_KEY-0001", true)]
    [InlineData("1234567", false)]
    [InlineData("has space1", false)]
    [InlineData("umlautÜber", false)]
    [InlineData("semi;colon", false)]
    [InlineData("line\nbreak1", false)]
    public void Keys_that_vendors_bring_are_8_to_256_of_a_plain_alphabet(string key, bool good) => Assert.Equal(good, LicenseKey.IsWellFormed(key));

    [Fact]
    public void A_key_of_256_is_good_and_of_257_is_not()
    {
        Assert.True(LicenseKey.IsWellFormed(new string('a', 256)));
        Assert.False(LicenseKey.IsWellFormed(new string('a', 257)));
    }

    /// <summary>Two keys that differ are two keys: no folding of look-alikes or of case.</summary>
    [Fact]
    public async Task Nothing_folds_but_white_space_around_it()
    {
        await using var server = await TestServer.Run();
        var product = server.AddProduct();
        server.Operate(l => l.Issue(new(product.Id, ["example.com"], Key: "PLUG_O0I1L8B5S2Z_")));
        Assert.Equal(200, (await server.Http.Verify("PLUG_O0I1L8B5S2Z_", "example.com", 1)).Status);
        Assert.Equal(200, (await server.Http.Verify("  \t PLUG_O0I1L8B5S2Z_ ", "example.com", 1)).Status);
        foreach (var other in new[] { "PLUG_00I1L8B5S2Z_", "PLUG_O0l1L8B5S2Z_", "plug_o0i1l8b5s2z_", "PLUG_O0I1L8B5S2Z", "PLUG_O0I1 L8B5S2Z_" })
        {
            Assert.Equal("INVALID_LICENSE", (await server.Http.Verify(other, "example.com", 1)).Code);
        }
    }

    [Fact]
    public async Task The_sealed_copy_opens_only_under_its_own_hash()
    {
        await using var server = await TestServer.Run();
        var secrets = server.Data.Secrets;
        Gen.String.Sample(text =>
        {
            var hash = secrets.Hash(text);
            var sealed_ = secrets.Seal(text, hash);
            Assert.Equal(new System.Text.UTF8Encoding().GetString(new System.Text.UTF8Encoding().GetBytes(text)), secrets.Open(sealed_, hash));
            Assert.ThrowsAny<System.Security.Cryptography.CryptographicException>(() => secrets.Open(sealed_, secrets.Hash(text + "x")));
        }, iter: 1000);
    }
}
