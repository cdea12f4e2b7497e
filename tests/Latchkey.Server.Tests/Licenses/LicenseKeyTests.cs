using CsCheck;
using Latchkey.Server.Licenses;

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

    [Theory]
    [InlineData("abc", "")]
    [InlineData("12345678", "78")]
    [InlineData("123456789012345", "345")]
    [InlineData("1234567890123456", "3456")]
    [InlineData("ACME_ABCDEFGHIJKLMNOP", "MNOP")]
    public void A_quarter_of_a_key_is_shown_and_four_characters_at_the_most(string key, string suffix) => Assert.Equal(suffix, LicenseKey.Suffix(key));

    [Theory]
    [InlineData("", false)]
    [InlineData("A", true)]
    [InlineData("my-Plug_2", true)]
    [InlineData("has space", false)]
    [InlineData("Über", false)]
    [InlineData("semi;colon", false)]
    [InlineData("12345678901234567890123456789012", true)]
    [InlineData("123456789012345678901234567890123", false)]
    public void A_prefix_is_1_to_32_of_the_same_alphabet(string prefix, bool good) => Assert.Equal(good, LicenseKey.IsPrefix(prefix));
}
