using Latchkey.Server.Admin.Access;
using Latchkey.Server.Customers;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>What a scope does not name cannot be found out in roundabout ways either.</summary>
public sealed class DisclosureTests
{
    [Fact]
    public async Task A_search_compares_no_more_of_a_key_than_a_list_shows()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin(Permission.LicensesRead);
        var brought = server.Operate(l => l.Issue(new IssueLicense(1, [], Key: "my-own-Key-abcdEF")));
        foreach (var (id, key) in (IEnumerable<(long, string)>)[(1, server.Operate(l => l.Reveal(1)).LicenseKey!), (brought.Id, brought.LicenseKey!)])
        {
            async Task<long[]> Found(string text) => (await client.Get($"/licenses?q={Uri.EscapeDataString(text)}")).Ids();
            Assert.Contains(id, await Found(key[^4..]));
            Assert.Contains(id, await Found("…" + key[^4..]));

            // Whatever stands before the four: right or wrong, it is found alike.
            foreach (var guess in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") Assert.Contains(id, await Found(guess + key[^4..]));
            Assert.Contains(id, await Found("WRONGWRONGWRONG" + key[^4..]));
            Assert.Equal([id], await Found(key));
            Assert.Empty(await Found(key[..^1]));
        }
    }

    [Fact]
    public async Task Who_may_not_read_customers_neither_sees_nor_finds_any()
    {
        await using var server = await Operations.Shop();
        server.Work(work => new CustomerOperations(work).Add(77, new CustomerFields("Zoë O'Brien", "zoe@example.net", "CRM-9", "owes us")));
        var license = server.Operate(l => l.Issue(new IssueLicense(1, ["shop.example"], UserId: 77)));
        var all = server.Admin();
        var others = server.Admin([.. Permission.All.Where(scope => !scope.StartsWith("customers:", StringComparison.Ordinal))]);
        foreach (var text in (string[])["Zoë", "zoe@", "example.net", "CRM-9"])
        {
            Assert.Equal([license.Id], (await all.Get($"/licenses?q={Uri.EscapeDataString(text)}")).Ids());
            Assert.Empty((await others.Get($"/licenses?q={Uri.EscapeDataString(text)}")).Items());
            Assert.DoesNotContain("shop.example", (await others.Get($"/licenses/export?q={Uri.EscapeDataString(text)}")).Text);
        }

        Assert.Equal("Zoë O'Brien", (await all.Get($"/licenses/{license.Id}")).Json.Text("customer_name"));
        Assert.Contains("Zoë O'Brien", (await all.Get("/licenses/export")).Text);
        Assert.Contains("owes us", (await all.Get("/audit?object_kind=customer")).Text);
        foreach (var path in (string[])[
            $"/licenses/{license.Id}", "/licenses", "/licenses?user_id=77", "/licenses/export", $"/licenses/{license.Id}/activity", "/download-tokens", "/audit", "/audit/export",
            "/statistics/expiring?within_days=3650", "/statistics/attention"])
        {
            var shown = (await others.Get(path)).Ok().Text;
            Assert.All((string[])["Zoë", "zoe@example.net", "CRM-9", "owes us"], secret => Assert.DoesNotContain(secret, shown));
        }

        var suspended = (await others.Post($"/licenses/{license.Id}/suspend")).Ok();
        Assert.DoesNotContain("Zoë", suspended.Text);
        Assert.Equal(77, suspended.Json.GetProperty("user_id").GetInt64());
    }
}
