using Latchkey.Server.Licenses;

namespace Latchkey.Server.Tests.Licenses;

public sealed class VerdictTests
{
    static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    static LicenseFacts Facts(
        LicenseState state = LicenseState.Active, int expiresInSeconds = 60, bool bind = true, int places = 1, params string[] domains) =>
        new(1, 7, "Plugin", null, state, places, Now.AddSeconds(expiresInSeconds), Now.AddDays(-1), null, bind, true, null, null, domains);

    static string Judge(LicenseFacts? license, string host = "example.com", long product = 7) => Verdict.Judge(license, host, product, Now) switch
    {
        Verdict.Granted granted => granted.Domain,
        Verdict.GrantedOnceBound => "bind",
        Verdict.Refused refused => refused.Why.Code,
        _ => "?",
    };

    [Fact]
    public void No_license_is_an_invalid_license() => Assert.Equal("INVALID_LICENSE", Judge(null));

    [Theory]
    [InlineData(LicenseState.Suspended)]
    [InlineData(LicenseState.Revoked)]
    internal void What_is_not_active_is_refused_before_anything_else_is_looked_at(LicenseState state) =>
        Assert.Equal("LICENSE_INACTIVE", Judge(Facts(state, -60, false, 1, "other.com"), "example.com", 8));

    [Theory]
    [InlineData(1, "example.com")]
    [InlineData(0, "LICENSE_EXPIRED")]
    [InlineData(-1, "LICENSE_EXPIRED")]
    public void It_expires_at_its_moment_and_not_before(int inSeconds, string answer) =>
        Assert.Equal(answer, Judge(Facts(LicenseState.Active, inSeconds, true, 1, "example.com")));

    [Fact]
    public void Expiry_stands_before_domain_and_domain_before_product()
    {
        Assert.Equal("LICENSE_EXPIRED", Judge(Facts(LicenseState.Active, -1, true, 1, "other.com"), "example.com", 8));
        Assert.Equal("DOMAIN_MISMATCH", Judge(Facts(LicenseState.Active, 60, true, 1, "other.com"), "example.com", 8));
        Assert.Equal("PRODUCT_ID_MISMATCH", Judge(Facts(LicenseState.Active, 60, true, 1, "example.com"), "example.com", 8));
    }

    [Fact]
    public void A_free_place_is_taken_only_where_the_product_allows_it()
    {
        Assert.Equal("bind", Judge(Facts()));
        Assert.Equal("bind", Judge(Facts(LicenseState.Active, 60, true, 2, "other.com")));
        Assert.Equal("DOMAIN_MISMATCH", Judge(Facts(bind: false)));
        Assert.Equal("DOMAIN_MISMATCH", Judge(Facts(LicenseState.Active, 60, true, 1, "other.com")));
    }

    [Fact]
    public void Nothing_is_bound_for_the_wrong_product() => Assert.Equal("PRODUCT_ID_MISMATCH", Judge(Facts(), "example.com", 8));

    [Fact]
    public void The_exact_domain_is_named_rather_than_a_wildcard_that_covers_it_too()
    {
        var license = Facts(LicenseState.Active, 60, true, 3, "*.example.com", "shop.example.com");
        Assert.Equal("shop.example.com", Judge(license, "shop.example.com"));
        Assert.Equal("*.example.com", Judge(license, "blog.example.com"));
    }

    [Theory]
    [InlineData("*.example.com", "*.shop.example.com")]
    [InlineData("*.shop.example.com", "*.example.com")]
    public void Of_two_wildcards_that_cover_it_the_nearer_is_named(params string[] domains) => Assert.Equal("*.shop.example.com", Judge(Facts(LicenseState.Active, 60, true, 2, domains), "a.shop.example.com"));

    [Fact]
    public void Without_an_end_it_does_not_expire() => Assert.Equal("example.com", Judge(Facts(LicenseState.Active, 60, true, 1, "example.com") with { ExpiresAt = null }));

    [Fact]
    public void Where_more_domains_are_bound_than_it_has_nothing_is_bound() => Assert.Equal("DOMAIN_MISMATCH", Judge(Facts(LicenseState.Active, 60, true, 1, "a.com", "b.com")));
}
