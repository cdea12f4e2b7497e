using CsCheck;
using Latchkey.Server.Http;
using Latchkey.Server.Products;

namespace Latchkey.Server.Tests.Products;

public sealed class VersionTests
{
    /// <summary>The examples of semver.org, in the order that the specification gives them.</summary>
    [Theory]
    [InlineData("1.0.0", "2.0.0", "2.1.0", "2.1.1")]
    [InlineData("1.0.0-alpha", "1.0.0")]
    [InlineData("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0")]
    public void Precedence_is_that_of_the_specification(params string[] rising)
    {
        foreach (var (i, older) in rising.Index())
        {
            foreach (var newer in rising[(i + 1)..])
            {
                Assert.True(Compare(older, newer) < 0, $"{older} < {newer}");
                Assert.True(Compare(newer, older) > 0, $"{newer} > {older}");
            }
        }
    }

    static int Compare(string a, string b) => Versions.Compare(Versions.Strict(a)!, Versions.Strict(b)!);

    [Theory]
    [InlineData("1.0.0-alpha+001", "1.0.0-alpha")]
    [InlineData("1.0.0+20130313144700", "1.0.0+exp.sha.5114f85")]
    public void Build_metadata_does_not_count(string a, string b) => Assert.Equal(0, Compare(a, b));

    [Theory]
    [InlineData("1.9.0", "1.10.0")]
    [InlineData("1.10.0", "1.11.0")]
    [InlineData("99999999999999999999.0.0", "100000000000000000000.0.0")]
    public void Numbers_are_compared_as_numbers(string older, string newer) => Assert.True(Compare(older, newer) < 0);

    [Theory]
    [InlineData("1.0.0-alpha.1")]
    [InlineData("1.0.0-0.3.7")]
    [InlineData("1.0.0-x.7.z.92")]
    [InlineData("1.0.0-x-y-z.--")]
    [InlineData("1.0.0+21AF26D3----117B344092BD")]
    public void The_specifications_own_versions_are_versions(string text) => Assert.NotNull(Versions.Strict(text));

    [Theory]
    [InlineData("1")]
    [InlineData("1.2")]
    [InlineData("v1.2.3")]
    [InlineData("01.2.3")]
    [InlineData("1.2.3-01")]
    [InlineData("1.2.3-")]
    [InlineData("1.2.3 ")]
    [InlineData("")]
    [InlineData("latest")]
    public void What_is_spelled_otherwise_is_none_for_a_vendor(string text) => Assert.Null(Versions.Strict(text));

    [Theory]
    [InlineData("1", "1.0.0")]
    [InlineData("1.2", "1.2.0")]
    [InlineData("v1.2.3", "1.2.3")]
    [InlineData(" 01.2.3 ", "1.2.3")]
    public void A_client_may_spell_it_as_it_has_it(string text, string meant) => Assert.Equal(meant, Versions.Lenient(text)?.ToString());

    [Fact]
    public void What_is_no_version_however_long_is_none()
    {
        Assert.Null(Versions.Lenient(new string('1', 101)));
        Assert.NotNull(Versions.Lenient("v1.0." + new string('1', 95)));
        Assert.NotNull(Versions.Strict("1.0." + new string('1', 96)));
        Assert.Null(Versions.Strict("1.0." + new string('1', 97)));
        Assert.Null(Versions.Lenient("x"));
        Gen.String.Sample(text => Versions.Strict(text) is null || Versions.Lenient(text) is not null);
    }

    /// <summary>1 is 1.0.0: what is 97 digits long as it is spelled is none, rather than one that is lost on the way and answered as if none was named.</summary>
    [Theory]
    [InlineData(96, true)]
    [InlineData(97, false)]
    public void A_version_that_is_named_is_read_or_refused_and_never_forgotten(int digits, bool read)
    {
        var asked = new QueryCollection(new Dictionary<string, Microsoft.Extensions.Primitives.StringValues> { ["version"] = new string('1', digits) });
        var wish = ReleaseWish.Read(RequestFields.None, asked);
        Assert.Equal((read, !read), (wish.Version is not null, wish.Refused is not null));
    }

    [Fact]
    public void Each_channel_holds_what_is_more_finished()
    {
        string[] known = ["stable", "beta", "alpha", "dev"];
        foreach (var (i, channel) in known.Index())
        {
            foreach (var (j, release) in known.Index()) Assert.Equal(j <= i, Channel.Includes(channel, release));
            Assert.False(Channel.Includes(channel, "nightly"));
        }

        Assert.True(Channel.Includes("nightly", "nightly"));
        Assert.True(Channel.Includes("nightly", "stable"));
        Assert.False(Channel.Includes("nightly", "beta"));
    }

    static readonly Gen<string> Texts = Gen.OneOf(
        Gen.String[0, 40],
        Gen.OneOf(new[] { "1", "0", "01", "10", "99999999999999999999", ".", "-", "+", "a", "rc", "v", "V", " ", "\u0661", "_", "1.2.3" }.Select(part => Gen.Const(part)).ToArray()).Array[0, 12].Select(string.Concat));

    [Fact]
    public void What_is_read_is_read_again_as_it_is_written_and_compares_as_its_precedence_does() => Gen.Select(Texts, Texts).Sample((one, other) =>
    {
        if (Versions.Lenient(one) is not { } left) return true;
        var again = Versions.Lenient(left.ToString());
        if (again is null || again.ComparePrecedenceTo(left) != 0) return false;
        return Versions.Lenient(other) is not { } right || Math.Sign(left.ComparePrecedenceTo(right)) == -Math.Sign(right.ComparePrecedenceTo(left));
    });
}
