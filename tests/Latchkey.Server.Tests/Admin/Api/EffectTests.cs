using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>What a program changes over the admin API counts for customers from the next request on.</summary>
public sealed class EffectTests
{
    static async Task<string> Verify(TestServer server, string key, string domain = "a.example")
    {
        var reply = await server.Http.Verify(key, domain, 1);
        return reply.Code ?? (reply.Status == 200 ? "OK" : $"{reply.Status}");
    }

    static async Task<(long Id, string Key)> Issue(AdminClient client, object? body = null)
    {
        var license = (await client.Post("/licenses", body ?? new { product_id = 1, domains = new[] { "a.example" } })).Ok(201).Json;
        return (license.Id(), license.Key());
    }

    [Fact]
    public async Task A_rotated_key_works_for_its_overlap_and_not_longer()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var (id, old) = await Issue(client);
        var rotated = (await client.Post($"/licenses/{id}/rotate", new { overlap_hours = 48 })).Ok().Json;
        Assert.Equal("2026-01-03T00:00:00.000000Z", rotated.Text("overlap_until"));
        Assert.Equal(("OK", "OK"), (await Verify(server, old), await Verify(server, rotated.Key())));
        server.Clock.Advance(TimeSpan.FromHours(48) - TimeSpan.FromTicks(10));
        Assert.Equal("OK", await Verify(server, old));
        server.Clock.Advance(TimeSpan.FromTicks(10));
        Assert.Equal(("INVALID_LICENSE", "OK"), (await Verify(server, old), await Verify(server, rotated.Key())));

        var third = (await client.Post($"/licenses/{id}/rotate")).Ok().Json.Key();
        Assert.Equal(("INVALID_LICENSE", "OK"), (await Verify(server, rotated.Key()), await Verify(server, third)));
        foreach (var wrong in (object[])[-1, 2161, 1e300]) (await client.Post($"/licenses/{id}/rotate", new { overlap_hours = wrong })).Refuses(422, "VALIDATION_FAILED", "/overlap_hours");
    }

    [Fact]
    public async Task Suspending_resuming_revoking_binding_and_unbinding_are_seen_at_once()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var (id, key) = await Issue(client);
        (await client.Post($"/licenses/{id}/suspend")).Ok();
        Assert.Equal("LICENSE_INACTIVE", await Verify(server, key));
        (await client.Post($"/licenses/{id}/resume")).Ok();
        Assert.Equal("OK", await Verify(server, key));
        (await client.Post($"/licenses/{id}/domains", new { domain = "b.example" })).Refuses(409, "DOMAIN_LIMIT_REACHED");
        (await client.Delete($"/licenses/{id}/domains/a.example")).Ok();
        (await client.Delete($"/licenses/{id}/domains/a.example")).Refuses(404, "DOMAIN_NOT_BOUND");
        (await client.Post($"/licenses/{id}/domains", new { domain = "https://www.B.example/x" })).Ok();
        Assert.Equal(("DOMAIN_MISMATCH", "OK"), (await Verify(server, key), await Verify(server, key, "b.example")));
        (await client.Delete($"/licenses/{id}/domains/{Uri.EscapeDataString("*.c.example")}")).Refuses(404, "DOMAIN_NOT_BOUND");
        (await client.Delete($"/licenses/{id}/domains/a..b")).Refuses(422, "VALIDATION_FAILED", "domain");
        (await client.Patch($"/licenses/{id}", new { expires_at = "2025-12-31" })).Ok();
        Assert.Equal("LICENSE_EXPIRED", await Verify(server, key, "b.example"));
        (await client.Patch($"/licenses/{id}", new { expires_at = "" })).Ok();
        (await client.Post($"/licenses/{id}/revoke")).Ok();
        Assert.Equal("LICENSE_INACTIVE", await Verify(server, key, "b.example"));
        (await client.Post($"/licenses/{id}/resume")).Refuses(409, "LICENSE_REVOKED");
        (await client.Post($"/licenses/{id}/rotate")).Refuses(409, "LICENSE_REVOKED");
        (await client.Post($"/licenses/{id}/download-tokens")).Refuses(409, "LICENSE_NOT_ACTIVE");
    }

    [Fact]
    public async Task Many_are_suspended_and_resumed_at_once_and_issued_alike()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var issued = (await client.Post("/licenses/batch", new { product_id = 1, count = 100, max_domains = 2, user_id = 9, expires_at = "2027-01-01" })).Ok(201).Json;
        var keys = issued.GetProperty("items").EnumerateArray().ToDictionary(item => item.Id(), item => item.Key());
        Assert.Equal((100, 100L, 100), (keys.Count, issued.GetProperty("last_id").GetInt64() - issued.GetProperty("first_id").GetInt64() + 1, keys.Values.Distinct().Count()));
        var one = (await client.Get($"/licenses/{keys.Keys.First()}")).Json;
        Assert.Equal((9, 2, "2027-01-01T23:59:59.999999Z"), (one.GetProperty("user_id").GetInt32(), one.GetProperty("max_domains").GetInt32(), one.Text("expires_at")));
        Assert.Equal("OK", await Verify(server, keys.Values.First()));
        (await client.Post("/licenses/batch", new { product_id = 99, count = 1 })).Refuses(404, "PRODUCT_NOT_FOUND");
        foreach (var count in (int[])[0, -1, 10_001]) (await client.Post("/licenses/batch", new { product_id = 1, count })).Refuses(422, "VALIDATION_FAILED", "/count");

        Assert.Equal(100, (await client.Post("/licenses/suspend", new { ids = keys.Keys.Append(999_999) })).Ok().Json.GetProperty("count").GetInt32());
        Assert.Equal("LICENSE_INACTIVE", await Verify(server, keys.Values.First()));
        Assert.Equal(100, (await client.Post("/licenses/resume", new { ids = keys.Keys })).Ok().Json.GetProperty("count").GetInt32());
        Assert.Equal("OK", await Verify(server, keys.Values.First()));
        (await client.Post("/licenses/suspend", new { ids = Array.Empty<long>() })).Refuses(422, "VALIDATION_FAILED", "/ids");
        (await client.Post("/licenses/suspend", new { ids = Enumerable.Range(1, 10_001) })).Refuses(422, "VALIDATION_FAILED", "/ids");
    }

    [Fact]
    public async Task A_link_made_for_a_customer_works_once_and_a_revoked_one_never()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        async Task<string> Link() => new Uri((await client.Post("/licenses/1/download-tokens")).Ok(201).Json.Text("download_url")).AbsolutePath;
        var (good, dead) = (await Link(), await Link());
        Assert.Equal((200, 410), ((await server.Http.Get(good)).Status, (await server.Http.Get(good)).Status));
        var id = (await client.Get("/download-tokens?state=issued")).Ids()[0];
        (await client.Post($"/download-tokens/{id}/revoke")).Ok();
        Assert.Equal("DOWNLOAD_TOKEN_EXPIRED", (await server.Http.Get(dead)).Code);
        (await client.Post($"/download-tokens/{id - 1}/revoke")).Refuses(409, "DOWNLOAD_FINISHED");
    }

    [Fact]
    public async Task What_contradicts_what_is_there_is_409()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        (await client.Post("/products", new { id = 1, name = "x", prefix = "X" })).Refuses(409, "PRODUCT_EXISTS");
        (await client.Post("/customers", new { id = 123 })).Refuses(409, "CUSTOMER_EXISTS");
        var (_, key) = await Issue(client, new { product_id = 1, user_id = 123, domains = new[] { "a.example", "b.example" } });
        (await client.Post("/licenses", new { product_id = 1, license_key = key })).Refuses(409, "KEY_EXISTS");
        (await client.Patch("/licenses/2", new { max_domains = 1 })).Refuses(409, "DOMAINS_BOUND");
        (await client.Delete("/customers/123")).Refuses(409, "CUSTOMER_HAS_LICENSES");
        server.AddProduct("Empty", id: 5);
        var (id, _) = await Issue(client, new { product_id = 5 });
        (await client.Post($"/licenses/{id}/download-tokens")).Refuses(409, "NO_DOWNLOADABLE_FILE");
        (await client.Post("/products/5/archive")).Ok();
        (await client.Post("/licenses", new { product_id = 5 })).Refuses(409, "PRODUCT_ARCHIVED");
        (await client.Post("/licenses/batch", new { product_id = 5, count = 2 })).Refuses(409, "PRODUCT_ARCHIVED");
    }

    [Fact]
    public async Task Every_wrong_value_of_one_request_is_pointed_to()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var reply = await client.Post("/licenses", new { product_id = 1, domains = new[] { "ok.example", "not ok", "a..b" }, max_domains = 0, user_id = -1, license_key = "short" });
        Assert.Equal(["/license_key", "/domains/1", "/domains/2", "/max_domains", "/domains", "/user_id"], reply.Fields());
        reply = await client.Post("/products", new { name = "", prefix = "a b", key_length = 3 });
        Assert.Equal(["/name", "/prefix", "/key_length"], reply.Fields());
        (await client.Post("/customers", new { email = "no", name = "a\nb" })).Refuses(422, "VALIDATION_FAILED", "/email");
        foreach (var path in (string[])["/licenses", "/api-keys"]) (await client.Post(path, path == "/licenses" ? new { product_id = 1, expires_at = "soon" } : (object)new { name = "n", scopes = new[] { "audit:read" }, expires_at = "soon" })).Refuses(422, "VALIDATION_FAILED", "/expires_at");
    }

    [Fact]
    public async Task The_missing_file_of_a_product_is_no_secret_to_who_may_see_products()
    {
        await using var server = await Operations.Shop();
        var view = server.WithDb(db => db.Artifacts.Single(a => a.ReleaseId == 1));
        Assert.DoesNotContain(view.BlobId, (await server.Admin().Get("/releases/1")).Text);
        Assert.NotNull(view.Sha256);
    }
}
