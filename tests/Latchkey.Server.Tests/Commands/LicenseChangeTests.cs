using System.Text.Json;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

/// <summary>One server that runs all the while, with a product 1 that has a file, and a product 2 that binds nothing by itself.</summary>
public sealed class RunningShop : IAsyncLifetime
{
    internal Shop Shop { get; } = new();
    internal ServeProcess Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Shop.AddProduct();
        await Shop.AddProduct("--no-bind-on-first-use");
        await Shop.Publish(1, "the file"u8.ToArray());
        Server = await Shop.Serve();
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Shop.Dispose();
    }
}

/// <summary>What the command line changes counts from the next request on.</summary>
public sealed class LicenseChangeTests(RunningShop running) : IClassFixture<RunningShop>
{
    readonly Shop _shop = running.Shop;
    readonly HttpClient _http = running.Server.Http;

    async Task<(string Id, string Key)> Issue(long product, params string[] more)
    {
        var license = await _shop.Issue(product, more);
        return (license.Id().ToString(), license.Key());
    }

    [Fact]
    public async Task A_license_issued_now_is_good_now()
    {
        var (_, key) = await Issue(1, "--domain", "example.com");
        Assert.Equal(200, (await _http.Verify(key, "example.com", 1)).Status);
    }

    [Fact]
    public async Task Suspended_is_refused_and_its_links_are_dead_and_resumed_is_granted()
    {
        var (id, key) = await Issue(1, "--domain", "example.com");
        var link = await _http.MintPathOf(key, "example.com", 1);
        var license = await _shop.Do("license", "suspend", id);
        Assert.Equal((false, "suspended"), (license.GetProperty("is_active").GetBoolean(), license.Text("state")));
        Assert.Equal((403, "LICENSE_INACTIVE"), await Verify(key, "example.com", 1));
        Assert.Equal(410, (await _http.Get(link)).Status);

        license = await _shop.Do("license", "resume", key);
        Assert.Equal((true, "active"), (license.GetProperty("is_active").GetBoolean(), license.Text("state")));
        Assert.Equal((200, null), await Verify(key, "example.com", 1));
        Assert.Equal("the file", (await _http.Get(link)).Text);
    }

    [Fact]
    public async Task Revoked_is_refused_for_good()
    {
        var (id, key) = await Issue(1, "--domain", "example.com");
        Assert.Equal("revoked", (await _shop.Do("license", "revoke", id)).Text("state"));
        Assert.Equal((403, "LICENSE_INACTIVE"), await Verify(key, "example.com", 1));
        Assert.Contains("for good", await _shop.Refused(1, "license", "resume", id), StringComparison.Ordinal);
        Assert.Contains("for good", await _shop.Refused(1, "license", "suspend", id), StringComparison.Ordinal);
        Assert.Equal((403, "LICENSE_INACTIVE"), await Verify(key, "example.com", 1));
    }

    [Fact]
    public async Task Rotated_has_a_new_key_and_the_old_one_is_unknown()
    {
        var (id, key) = await Issue(1, "--domain", "example.com");
        var license = await _shop.Do("license", "rotate", key);
        Assert.Equal(id, license.Id().ToString());
        Assert.NotEqual(key, license.Key());
        Assert.Equal((401, "INVALID_LICENSE"), await Verify(key, "example.com", 1));
        var reply = await _http.Verify(license.Key(), "example.com", 1);
        Assert.Equal(200, reply.Status);
        Assert.Equal(license.Text("last_rotated"), reply.Json.GetProperty("data").Text("last_rotated"));

        // Support still finds out whose key it was.
        Assert.Equal(license.Key(), (await _shop.Do("license", "show", key)).Key());
    }

    [Fact]
    public async Task With_an_overlap_both_keys_work_until_the_next_rotation_without_one()
    {
        var (id, key) = await Issue(1, "--domain", "example.com");
        var second = await _shop.Do("license", "rotate", id, "--overlap-hours", "72");
        Assert.True(second.GetProperty("overlap_until").GetDateTimeOffset() > TimeProvider.System.GetUtcNow().AddHours(71));
        Assert.Equal((200, null), await Verify(key, "example.com", 1));
        Assert.Equal((200, null), await Verify(second.Key(), "example.com", 1));
        var third = await _shop.Do("license", "rotate", id);
        Assert.Equal((401, "INVALID_LICENSE"), await Verify(key, "example.com", 1));
        Assert.Equal((401, "INVALID_LICENSE"), await Verify(second.Key(), "example.com", 1));
        Assert.Equal((200, null), await Verify(third.Key(), "example.com", 1));
        await _shop.Refused(1, "license", "rotate", id, "--overlap-hours", "9999");
        await _shop.Refused(2, "license", "rotate", id, "--overlap-hours", "-1");
    }

    [Fact]
    public async Task Unbound_is_refused_until_it_is_bound_again_where_the_product_binds_nothing_itself()
    {
        var (id, key) = await Issue(2, "--domain", "example.com");
        Assert.Empty((await _shop.Do("license", "unbind", id, "--domain", "https://www.example.com/")).Domains());
        Assert.Equal((403, "DOMAIN_MISMATCH"), await Verify(key, "example.com", 2));
        Assert.Equal(["*.example.com"], (await _shop.Do("license", "bind", key, "--domain", "*.example.com")).Domains());
        Assert.Equal((200, null), await Verify(key, "shop.example.com", 2));
        Assert.Equal((403, "DOMAIN_MISMATCH"), await Verify(key, "example.com", 2));
    }

    [Fact]
    public async Task Unbound_is_bound_by_the_next_domain_that_asks_where_the_product_allows_it()
    {
        var (id, key) = await Issue(1);
        Assert.Equal((200, null), await Verify(key, "first.com", 1));
        Assert.Equal((403, "DOMAIN_MISMATCH"), await Verify(key, "second.com", 1));
        Assert.Equal(["first.com"], (await _shop.Do("license", "show", id)).Domains());
        await _shop.Do("license", "unbind", id, "--domain", "first.com");
        Assert.Equal((200, null), await Verify(key, "second.com", 1));
        Assert.Equal((403, "DOMAIN_MISMATCH"), await Verify(key, "first.com", 1));
    }

    [Fact]
    public async Task A_full_license_is_bound_further_only_after_more_places_are_given()
    {
        var (id, key) = await Issue(2, "--domain", "a.com");
        Assert.Contains("--max-domains", await _shop.Refused(1, "license", "bind", id, "--domain", "b.com"), StringComparison.Ordinal);
        Assert.Equal(["a.com"], (await _shop.Do("license", "bind", id, "--domain", "A.com")).Domains());
        await _shop.Do("license", "edit", id, "--max-domains", "2");
        Assert.Equal(["a.com", "b.com"], (await _shop.Do("license", "bind", id, "--domain", "b.com")).Domains());
        Assert.Equal((200, null), await Verify(key, "b.com", 2));
        Assert.Contains("unbind", await _shop.Refused(1, "license", "edit", id, "--max-domains", "1"), StringComparison.Ordinal);
        Assert.Contains("not bound to c.com", await _shop.Refused(1, "license", "unbind", id, "--domain", "c.com"), StringComparison.Ordinal);
        Assert.Contains("not a domain", await _shop.Refused(1, "license", "bind", id, "--domain", "c com"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Edited_expiry_and_customer_number_count_at_once_and_the_rest_stays()
    {
        var (id, key) = await Issue(1, "--domain", "example.com", "--user", "1", "--expires", "2099-01-01");
        Assert.Equal("expired", (await _shop.Do("license", "edit", id, "--expires", "2020-01-01")).Text("state"));
        Assert.Equal((403, "LICENSE_EXPIRED"), await Verify(key, "example.com", 1));

        var license = await _shop.Do("license", "edit", id, "--never-expires");
        Assert.Equal((JsonValueKind.Null, 1), (license.GetProperty("expires_at").ValueKind, license.GetProperty("user_id").GetInt64()));
        await _shop.Do("license", "edit", id, "--user", "77");
        var reply = await _http.Verify(key, "example.com", 1);
        Assert.Equal((200, 77), (reply.Status, reply.Json.GetProperty("data").GetProperty("user_id").GetInt64()));
        Assert.Contains("exclude", await _shop.Refused(2, "license", "edit", id, "--never-expires", "--expires", "2099-01-01"), StringComparison.Ordinal);
        Assert.Contains("--help", await _shop.Refused(2, "license", "edit", id), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_edited_product_counts_at_once()
    {
        var product = await _shop.AddProduct();
        await _shop.Publish(product, "more"u8.ToArray(), "more.zip");
        var (_, key) = await Issue(product, "--domain", "example.com");
        Assert.Equal(200, (await _http.Mint(key, "example.com", product)).Status);

        await _shop.Do("product", "edit", product.ToString(), "--no-api-download", "--name", "Renamed");
        var mint = await _http.Mint(key, "example.com", product);
        Assert.Equal((403, "API_DOWNLOAD_DISABLED"), (mint.Status, mint.Code));
        Assert.Equal("Renamed", (await _http.Verify(key, "example.com", product)).Json.GetProperty("data").Text("product_name"));

        await _shop.Do("product", "edit", product.ToString(), "--api-download", "--no-bind-on-first-use");
        Assert.Equal(200, (await _http.Mint(key, "example.com", product)).Status);
        var (_, unbound) = await Issue(product);
        Assert.Equal((403, "DOMAIN_MISMATCH"), await Verify(unbound, "example.com", product));
        await _shop.Do("product", "edit", product.ToString(), "--bind-on-first-use");
        Assert.Equal((200, null), await Verify(unbound, "example.com", product));
    }

    [Fact]
    public async Task Show_says_when_from_where_and_with_what_outcome_a_license_was_last_seen()
    {
        var (id, key) = await Issue(1, "--domain", "example.com");
        Assert.Equal((403, "DOMAIN_MISMATCH"), await Verify(key, "https://WWW.wrong.com/", 1));
        var seen = await Poll.Until(
            async () => (await _shop.Do("license", "show", id)).GetProperty("last_seen"), seen => seen.ValueKind == JsonValueKind.Object);
        Assert.Equal(("127.0.0.1", "wrong.com", "DOMAIN_MISMATCH"), (seen.Text("address"), seen.Text("domain"), seen.Text("outcome")));
    }

    [Fact]
    public async Task Imported_is_good_at_once()
    {
        var file = _shop.File("import.csv", "product_id,license_key,domain,user_id\n2,IMPORTED-0001,import.com,9\n");
        await _shop.Do("license", "import", "--file", file);
        Assert.Equal((200, null), await Verify("IMPORTED-0001", "import.com", 2));
    }

    async Task<(int, string?)> Verify(string key, string domain, long product)
    {
        var reply = await _http.Verify(key, domain, product);
        return (reply.Status, reply.Code);
    }
}
