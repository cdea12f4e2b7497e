using System.Text.Json;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed class LicenseCommandTests(OneProduct one) : IClassFixture<OneProduct>
{
    [Fact]
    public async Task Issue_answers_with_the_license_and_its_key()
    {
        using var shop = new Shop();
        await shop.AddProduct("--id", "7");
        var license = await shop.Issue(7, "--domain", "example.com", "--user", "123");
        Assert.Equal((1, 7, "Plugin", 123), (license.Id(), license.GetProperty("product_id").GetInt64(), license.Text("product_name"), license.GetProperty("user_id").GetInt64()));
        Assert.Matches("^PLUG_[A-Z0-9]{16}$", license.Key());
        Assert.True(license.GetProperty("is_active").GetBoolean());
        Assert.Equal(["example.com"], license.Domains());
        Assert.Equal(1, license.GetProperty("max_domains").GetInt32());
        Assert.Equal(JsonValueKind.Null, license.GetProperty("expires_at").ValueKind);
        Assert.Equal(JsonValueKind.Null, license.GetProperty("last_rotated").ValueKind);

        var bare = await shop.Issue(7);
        Assert.Empty(bare.Domains());
        Assert.Equal(JsonValueKind.Null, bare.GetProperty("user_id").ValueKind);
        Assert.NotEqual(license.Key(), bare.Key());
    }

    [Fact]
    public async Task Domains_are_kept_in_their_one_spelling_each_once()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        string[] spellings = ["https://WWW.Example.com:8443/shop/?x=1", "example.com.", "EXAMPLE.COM", "http://user@example.com", "Über.de", "*.Example.org", "[2001:DB8:0::1]:443", "192.0.2.7"];
        var license = await shop.Issue(1, [.. spellings.SelectMany(s => new[] { "--domain", s })]);
        Assert.Equal(["*.example.org", "192.0.2.7", "2001:db8::1", "example.com", "xn--ber-goa.de"], license.Domains());
        Assert.Equal(5, license.GetProperty("max_domains").GetInt32());
    }

    [Theory]
    [InlineData("exa mple.com")]
    [InlineData("a..b")]
    [InlineData("-a.com")]
    [InlineData("a_b.com")]
    [InlineData("*")]
    [InlineData("*.")]
    [InlineData("*.1.2.3.4")]
    [InlineData("a.*.com")]
    [InlineData("")]
    [InlineData("example.com:99999")]
    public async Task What_is_no_domain_is_refused_and_nothing_is_issued(string domain)
    {
        var before = one.Licenses;
        var sentence = await one.Shop.Refused(1, "license", "issue", "--product", "1", "--domain", "good.com", "--domain", domain);
        Assert.Contains($"\"{domain}\"", sentence, StringComparison.Ordinal);
        Assert.Contains("example.com", sentence, StringComparison.Ordinal);
        Assert.Equal(before, one.Licenses);
    }

    [Fact]
    public async Task Domains_must_fit_into_max_domains()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        Assert.Contains("the license may hold 1", await shop.Refused(1, "license", "issue", "--product", "1", "--max-domains", "1", "--domain", "a.com", "--domain", "b.com"), StringComparison.Ordinal);
        foreach (var wrong in new[] { "0", "-1", "10001" }) Assert.Contains("1 to 10000", await shop.Refused(1, "license", "issue", "--product", "1", "--max-domains", wrong), StringComparison.Ordinal);
        var license = await shop.Issue(1, "--max-domains", "3", "--domain", "a.com", "--domain", "b.com");
        Assert.Equal((1, 3), (license.Id(), license.GetProperty("max_domains").GetInt32()));
    }

    [Theory]
    [InlineData("2031-12-31", "2031-12-31T23:59:59.999999Z")]
    [InlineData("2031-12-31T12:00:00Z", "2031-12-31T12:00:00.000000Z")]
    [InlineData("2031-12-31T12:00:00", "2031-12-31T12:00:00.000000Z")]
    [InlineData("2031-12-31T12:00:00+02:00", "2031-12-31T10:00:00.000000Z")]
    [InlineData("2031-12-31 12:00", "2031-12-31T12:00:00.000000Z")]
    [InlineData("2032-02-29T23:59:59.123456Z", "2032-02-29T23:59:59.123456Z")]
    public async Task A_license_is_good_through_its_date_or_until_its_time(string given, string kept)
    {
        var license = await one.Shop.Issue(1, "--expires", given);
        Assert.Equal(kept, license.Text("expires_at"));
        Assert.True(license.GetProperty("is_active").GetBoolean());
    }

    [Theory]
    [InlineData("tomorrow")]
    [InlineData("31.12.2031")]
    [InlineData("12/31/2031")]
    [InlineData("2031-13-01")]
    [InlineData("2031-02-29")]
    [InlineData("")]
    public async Task A_date_that_is_none_is_wrong_usage(string given)
    {
        var before = one.Licenses;
        Assert.Contains("2027-01-31", await one.Shop.Refused(2, "license", "issue", "--product", "1", "--expires", given), StringComparison.Ordinal);
        Assert.Equal(before, one.Licenses);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(256)]
    public async Task A_key_that_the_vendor_brings_works_unchanged(int length)
    {
        using var shop = new Shop();
        await shop.AddProduct();
        var key = string.Concat("old-Shop_1234".PadRight(length, 'x').Take(length));
        Assert.Equal(key, (await shop.Issue(1, "--domain", "example.com", "--key", key)).Key());
        await using var server = await shop.Serve();
        Assert.Equal(200, (await server.Http.Verify(key, "example.com", 1)).Status);
        Assert.Equal(401, (await server.Http.Verify(key.ToUpperInvariant(), "example.com", 1)).Status);
        Assert.Contains("already", await shop.Refused(1, "license", "issue", "--product", "1", "--key", key), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SHORT-1")]
    [InlineData("WITH SPACE")]
    [InlineData("WITH.POINT")]
    [InlineData("UMLAUT-Ä-1")]
    [InlineData("")]
    public async Task A_key_that_does_not_fit_the_rule_is_refused(string key)
    {
        Assert.Contains("8 to 256", await one.Shop.Refused(1, "license", "issue", "--product", "1", "--key", key), StringComparison.Ordinal);
        Assert.Contains("8 to 256", await one.Shop.Refused(1, "license", "issue", "--product", "1", "--key", new string('A', 257)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_is_by_product_and_by_domain_and_shows_no_keys()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        await shop.AddProduct();
        var first = await shop.Issue(1, "--domain", "example.com");
        await shop.Issue(1, "--domain", "other.com");
        await shop.Issue(2, "--domain", "example.com", "--domain", "third.com");
        async Task<string> Ids(params string[] filters) => string.Join(' ', (await shop.Do(["license", "list", .. filters])).EnumerateArray().Select(l => l.Id()));
        Assert.Equal("1 2 3", await Ids());
        Assert.Equal("1 2", await Ids("--product", "1"));
        Assert.Equal("1 3", await Ids("--domain", "https://www.Example.com/"));
        Assert.Equal("3", await Ids("--product", "2", "--domain", "example.com"));
        Assert.Empty(await Ids("--domain", "nowhere.com"));
        Assert.Contains("not a domain", await shop.Refused(1, "license", "list", "--domain", "no where"), StringComparison.Ordinal);

        var (table, json) = (await shop.Run("license", "list"), await shop.Run("license", "list", "--json"));
        Assert.DoesNotContain(first.Key(), table.Output + json.Output, StringComparison.Ordinal);
        Assert.Matches("^ID +PRODUCT +STATE +USER +DOMAINS +LAST SEEN\n1 +1 +active +- +example.com +never\n", table.Output);
    }

    [Fact]
    public async Task Show_finds_by_id_and_by_key_and_shows_the_key_again()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        var issued = await shop.Issue(1, "--domain", "example.com");
        var byId = await shop.Do("license", "show", "1");
        Assert.Equal(issued.GetRawText(), byId.GetRawText());
        Assert.Equal(issued.GetRawText(), (await shop.Do("license", "show", issued.Key())).GetRawText());
        Assert.Contains(issued.Key(), (await shop.Run("license", "show", "1")).Output, StringComparison.Ordinal);
        foreach (var unknown in new[] { "2", "PLUG_AAAAAAAAAAAAAAAA", "0", "-" }) Assert.Contains("no license", await shop.Refused(1, "license", "show", unknown), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_of_digits_is_found_before_an_id_of_the_same_digits()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        await shop.Issue(1);
        await shop.Issue(1, "--key", "00000001");
        Assert.Equal(2, (await shop.Do("license", "show", "00000001")).Id());
        Assert.Equal(1, (await shop.Do("license", "show", "1")).Id());
    }

    [Theory]
    [InlineData("suspend")]
    [InlineData("resume")]
    [InlineData("revoke")]
    [InlineData("rotate")]
    [InlineData("bind", "--domain", "a.com")]
    [InlineData("unbind", "--domain", "a.com")]
    [InlineData("edit", "--max-domains", "2")]
    public async Task A_change_of_a_license_that_is_not_there_is_refused(string verb, params string[] more)
    {
        Assert.Contains("no license", await one.Shop.Refused(1, ["license", verb, "99999", .. more]), StringComparison.Ordinal);
    }
}
