using Latchkey.Server.Admin.Access;
using Latchkey.Server.Customers;
using Latchkey.Server.Downloads;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>Lists: pages, search, filters.</summary>
public sealed class ListTests
{
    static async Task<List<long>> Walk(AdminClient client, string path, Action? between = null)
    {
        var ids = new List<long>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await client.Get($"{path}{(path.Contains('?') ? '&' : '?')}limit=7{(cursor == "" ? "" : "&cursor=" + cursor)}");
            Assert.InRange(page.Items().Length, 1, 7);
            ids.AddRange(page.Ids());
            cursor = page.NextCursor();
            between?.Invoke();
        }

        return ids;
    }

    [Fact]
    public async Task Every_list_shows_every_old_item_once_while_new_ones_come_in()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var made = 0;
        void MakeOneOfEach()
        {
            var name = $"Name {made++ % 3}";
            server.AddProduct(name);
            server.Publish(1, [1], $"f{made}.zip");
            server.Work(work => new CustomerOperations(work).Add(null, new CustomerFields(name)));
            server.Operate(l => l.Issue(new IssueLicense(1, [], null, null, TestServer.Start.AddDays(1 + (made % 3)))));
            server.Work(work => new DownloadOperations(work).Create(1, server.Url, TimeSpan.FromDays(1)));
            server.MakeKey([Permission.AuditRead]);
        }

        for (var i = 0; i < 20; i++) MakeOneOfEach();
        foreach (var path in (string[])[
            "/products", "/products?sort=-id", "/products?sort=name", "/products/1/releases", "/products/1/releases?sort=-id", "/releases", "/releases?sort=-id", "/customers", "/customers?sort=id", "/licenses", "/licenses?sort=id",
            "/licenses?sort=expires_at", "/licenses?sort=-expires_at", "/download-tokens", "/api-keys", "/audit", "/audit?sort=id"])
        {
            var old = await Walk(client, path);
            Assert.Equal(old.Count, old.Distinct().Count());
            Assert.True(old.Count >= 20, path);

            // Rising orders meet the new ones at their end, which must not be chased for ever.
            var left = 5;
            var met = await Walk(client, path, () => { if (left-- > 0) MakeOneOfEach(); });
            Assert.Equal(met.Count, met.Distinct().Count());
            Assert.Equal(old.Order(), met.Intersect(old).Order());
        }
    }

    [Fact]
    public async Task A_cursor_of_another_order_or_list_is_refused_or_harmless()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        for (var i = 0; i < 3; i++) server.Issue(1);
        var cursor = (await client.Get("/licenses?limit=1")).NextCursor()!;
        (await client.Get($"/licenses?sort=expires_at&cursor={cursor}")).Refuses(422, "VALIDATION_FAILED", "cursor");
        (await client.Get($"/products?cursor={cursor}")).Ok();
    }

    [Fact]
    public async Task A_license_is_found_by_what_a_customer_can_tell()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        server.Work(work => new CustomerOperations(work).Add(77, new CustomerFields("Zoë O'Brien", "zoe%@example.net", "CRM_9")));
        var wanted = server.Operate(l => l.Issue(new IssueLicense(1, ["shop.zoe.example", "*.wild.example"], 5, 77)));
        var old = wanted.LicenseKey!;
        var brought = server.Operate(l => l.Issue(new IssueLicense(1, [], null, null, null, "my-own-Key-abcdEF")));
        for (var i = 0; i < 30; i++) server.Issue(1, $"other{i}.example");
        var key = server.Operate(l => l.Rotate(wanted.Id)).LicenseKey!;
        async Task Finds(string text, long id = 2) => Assert.Contains(id, (await client.Get($"/licenses?limit=100&q={Uri.EscapeDataString(text)}")).Ids());
        async Task FindsAlone(string text, long id = 2) => Assert.Equal([id], (await client.Get($"/licenses?q={Uri.EscapeDataString(text)}")).Ids());

        for (var length = 2; length <= 16; length++) await Finds(key[^length..]);
        await FindsAlone(key[^8..].ToLowerInvariant());
        await FindsAlone($"…{key[^6..]}");
        await FindsAlone($"  {key} ");
        await FindsAlone(old);
        foreach (var text in (string[])["shop.zoe", "https://www.Shop.Zoe.example:8443/cart?x=1", "*.wild.example", "Zoë", "O'Brien", "zoe%", "%", "CRM_9", "_"]) await FindsAlone(text);
        await Finds("77");
        await Finds("2");
        await FindsAlone("my-own-Key-abcdEF", brought.Id);
        await FindsAlone("abcdEF", brought.Id);
        foreach (var nothing in (string[])["nobody", "%%", "'; DROP TABLE licenses; --", "\u0000", "\u202e", new string('x', 2000)]) Assert.Empty((await client.Get($"/licenses?q={Uri.EscapeDataString(nothing)}")).Items());
        Assert.All((await client.Get("/licenses?limit=100")).Items(), item => Assert.False(item.TryGetProperty("license_key", out _)));
    }

    [Fact]
    public async Task Each_filter_shows_what_it_names_and_nothing_else()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var second = server.AddProduct("Second").Id;
        server.Operate(l => l.Suspend(server.Issue(1).Id));
        server.Operate(l => l.Revoke(server.Issue(1).Id));
        var expired = server.Operate(l => l.Issue(new IssueLicense(second, ["late.example"], null, 5, TestServer.Start.AddHours(1))));
        server.Clock.Advance(TimeSpan.FromHours(2));
        async Task Shows(string filter, params long[] ids) => Assert.Equal(ids, (await client.Get($"/licenses?sort=id&{filter}")).Ids());
        await Shows("state=active", 1);
        await Shows("state=suspended", 2);
        await Shows("state=revoked", 3);
        await Shows("state=expired", expired.Id);
        await Shows($"product_id={second}", 4);
        await Shows("user_id=5", 4);
        await Shows("domain=https://www.LATE.example/", 4);
        await Shows("expires_before=2026-01-01T00:30:00Z");
        await Shows("expires_before=2026-01-02", 4);
        await Shows("state=active&product_id=2");
        Assert.Contains(1, (await client.Get("/products?archived=false&q=plug")).Ids());
        Assert.Empty((await client.Get("/products?archived=true")).Items());
        Assert.Equal(123, Assert.Single((await client.Get("/customers?q=ada")).Ids()));
        Assert.Equal(5, Assert.Single((await client.Get("/customers?q=5")).Ids()));
    }

    [Fact]
    public async Task Download_links_and_the_audit_trail_are_filtered_too()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        async Task<string[]> States(string filter) => [.. (await client.Get("/download-tokens?" + filter)).Items().Select(item => item.Text("state"))];
        Assert.Equal(["issued"], await States("license_id=1&product_id=1&state=issued"));
        foreach (var state in (string[])["in_progress", "interrupted", "finished", "expired", "revoked"]) Assert.Empty(await States("state=" + state));
        Assert.Empty(await States("license_id=2"));
        Assert.Empty(await States("product_id=2"));
        (await client.Post("/download-tokens/1/revoke")).Ok();
        Assert.Equal(["revoked"], await States("state=revoked"));
        server.Work(work => new DownloadOperations(work).Create(1, server.Url, TimeSpan.FromDays(1)));
        server.Clock.Advance(TimeSpan.FromDays(2));
        Assert.Equal(["expired"], await States("state=expired"));

        async Task<int> Entries(string filter) => (await client.Get("/audit?limit=100&" + filter)).Items().Length;
        Assert.Equal((2, 1, 3, 0), (await Entries("action=download.create"), await Entries("action=download.revoke"), await Entries("action=download"), await Entries("action=down")));
        Assert.Equal((1, 1, 0, 1), (await Entries("object_kind=product&action=product.add"), await Entries("actor=Test"), await Entries("from=2026-01-02"), await Entries("q=revoke")));
        Assert.Equal(await Entries(""), await Entries("from=2026-01-01&to=2026-01-01"));
        Assert.Equal(await Entries("actor=Test"), (await client.Get("/audit/export?actor=Test")).Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length - 1);
    }
}
