using System.Text.Json;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Customers;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>Who did what, on what, from where: for every change, for good, and never with a secret.</summary>
public sealed class AuditTests
{
    [Fact]
    public Task Every_write_leaves_an_entry_with_actor_address_and_request() => Operations.Each(operation => operation.IsWrite(), async (server, operation) =>
    {
        var client = server.Admin();
        var before = server.WithDb(db => db.Audit.Max(e => e.Id));
        (await client.Do(operation, ("X-Request-ID", $"req-{operation.Id}"))).Ok(operation.Json.GetProperty("responses").TryGetProperty("201", out _) ? 201 : 200);
        var entries = (await client.Get("/audit")).Items().Where(e => e.Id() > before && e.GetProperty("actor").Text("kind") == "api_key").ToList();
        Assert.NotEmpty(entries);
        foreach (var entry in entries)
        {
            Assert.Equal(("Test", "127.0.0.1", $"req-{operation.Id}"), (entry.GetProperty("actor").Text("name"), entry.Text("address"), entry.Text("request_id")));
            Assert.Matches("^[a-z_]+[.][a-z_]+$", entry.Text("action"));
            Assert.NotEqual("", entry.Text("object_id"));
        }
    });

    [Fact]
    public async Task An_entry_holds_what_changed_as_it_was_and_as_it_is()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        (await client.Patch("/licenses/1", new { max_domains = 7, expires_at = "2030-01-01" })).Ok();
        var entry = (await client.Get("/audit?limit=1")).Items()[0];
        Assert.Equal("""{"max_domains":2,"expires_at":null}""", entry.GetProperty("before").GetRawText());
        Assert.Equal("""{"max_domains":7,"expires_at":"2030-01-01T23:59:59.999999Z"}""", entry.GetProperty("after").GetRawText());
        (await client.Post("/licenses/1/suspend")).Ok();
        entry = (await client.Get("/audit?limit=1")).Items()[0];
        Assert.Equal("""{"is_active":true,"state":"active"}""", entry.GetProperty("before").GetRawText());
        Assert.Equal(("license.suspend", "license", "1"), (entry.Text("action"), entry.Text("object_kind"), entry.Text("object_id")));
        (await client.Delete("/customers/123")).Ok();
        entry = (await client.Get("/audit?limit=1")).Items()[0];
        Assert.Equal(("Ada", JsonValueKind.Null), (entry.GetProperty("before").Text("name"), entry.GetProperty("after").ValueKind));
    }

    [Fact]
    public async Task Of_a_long_list_an_entry_holds_what_came_and_went_and_no_entry_grows_without_end()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var domains = Enumerable.Range(0, 1000).Select(i => $"site{i}.example").ToArray();
        var id = (await client.Post("/licenses", new { product_id = 1, max_domains = 2000, domains })).Ok(201).Json.Id();
        var entry = (await client.Get("/audit?limit=1")).Items()[0];
        Assert.Equal((201, "… and 800 more"), (entry.GetProperty("after").Domains().Length, entry.GetProperty("after").Domains()[^1]));
        (await client.Post($"/licenses/{id}/domains", new { domain = "new.example" })).Ok();
        entry = (await client.Get("/audit?limit=1")).Items()[0];
        Assert.Equal(("""{"domains":[]}""", """{"domains":["new.example"]}"""), (entry.GetProperty("before").GetRawText(), entry.GetProperty("after").GetRawText()));
        (await client.Post($"/licenses/{id}/rebind", new { from = "site7.example", to = "moved.example" })).Ok();
        entry = (await client.Get("/audit?limit=1")).Items()[0];
        Assert.Equal(("""{"domains":["site7.example"]}""", """{"domains":["moved.example"]}"""), (entry.GetProperty("before").GetRawText(), entry.GetProperty("after").GetRawText()));
        (await client.Patch("/customers/123", new { notes = new string('n', 10_000) })).Ok();
        Assert.EndsWith("n… (10000 characters)", (await client.Get("/audit?limit=1")).Items()[0].GetProperty("after").Text("notes"));
        var many = (await client.Post("/licenses/batch", new { product_id = 1, count = 3000 })).Ok(201).Json;
        var ids = many.GetProperty("items").EnumerateArray().Select(item => item.Id()).ToArray();
        (await client.Post("/licenses/suspend", new { ids })).Ok();
        Assert.All(ids.Take(5), one => Assert.True(server.WithDb(db => db.Audit.Any(e => e.Action == "license.suspend" && e.ObjectId == one.ToString()))));
        Assert.InRange(server.WithDb(db => db.Audit.Max(e => (e.Before + e.After)!.Length)), 1, 10_000);
    }

    [Fact]
    public async Task Whoever_takes_a_list_away_is_noted_with_what_it_was_narrowed_by_but_not_with_what_was_searched_for()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var key = server.Operate(l => l.Reveal(1)).LicenseKey!;
        (await client.Get($"/licenses/export?state=active&q={key}")).Ok();
        (await client.Get("/audit/export?action=license")).Ok();
        var entries = (await client.Get("/audit?limit=2")).Items();
        Assert.Equal(["audit.export", "license.export"], entries.Select(entry => entry.Text("action")));
        Assert.Equal("""{"filter":{"state":"active"},"searched":true}""", entries[1].GetProperty("after").GetRawText());
        Assert.Equal("""{"filter":{"action":"license"},"searched":false}""", entries[0].GetProperty("after").GetRawText());
        Assert.Equal(("api_key", "127.0.0.1"), (entries[1].GetProperty("actor").Text("kind"), entries[1].Text("address")));
    }

    [Fact]
    public async Task What_was_refused_leaves_no_entry()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var before = server.WithDb(db => db.Audit.Count());
        (await client.Patch("/licenses/1", new { max_domains = 0 })).Refuses(422, "VALIDATION_FAILED");
        (await client.Patch("/licenses/1", new { max_domains = 5 }, ("If-Match", "\"0\""))).Refuses(412, "PRECONDITION_FAILED");
        (await client.Post("/licenses/99/suspend")).Refuses(404, "LICENSE_NOT_FOUND");
        (await server.Admin(Permission.AuditRead).Post("/licenses/1/suspend")).Refuses(403, "FORBIDDEN");
        Assert.Equal(before + 2, server.WithDb(db => db.Audit.Count()) + 1);
    }

    [Theory]
    [InlineData("UPDATE audit SET action = 'x'")]
    [InlineData("DELETE FROM audit")]
    [InlineData("DELETE FROM audit WHERE id = 1")]
    [InlineData("REPLACE INTO audit (id, at, actor_kind, actor_name, action) VALUES (1, 0, 0, 'x', 'x')")]
    public async Task The_database_itself_refuses_to_change_or_forget_an_entry(string sql)
    {
        await using var server = await Operations.Shop();
        var before = (await server.Admin().Get("/audit?sort=id&limit=3")).Text;
        Assert.ThrowsAny<System.Data.Common.DbException>(() => Tables.Execute(server.Database(), sql));
        Assert.Equal(before, (await server.Admin().Get("/audit?sort=id&limit=3")).Text);
    }

    [Fact]
    public async Task Exports_hold_everything_and_no_formula()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        foreach (var (evil, i) in ((string[])["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\t=1"]).Select((evil, i) => (evil, i)))
        {
            server.Work(work => new CustomerOperations(work).Add(200 + i, new CustomerFields(evil + "x")));
            server.Operate(l => l.Issue(new IssueLicense(1, [], null, 200 + i)));
            if (!evil.Contains('\t')) server.AddProduct(evil + "p");
        }

        for (var i = 0; i < 250; i++) server.Issue(1);
        foreach (var path in (string[])["/licenses/export", "/audit/export"])
        {
            var reply = (await client.Get(path)).Ok();
            Assert.Equal("text/csv", reply.Content.ContentType!.MediaType);
            Assert.Contains("attachment", reply.Header("Content-Disposition"));
            var cells = reply.Text.Split('\n').SelectMany(line => line.Trim('\r').Split(',')).Select(cell => cell.Trim('"'));
            Assert.DoesNotContain(cells, cell => cell.Length > 1 && cell[0] is '=' or '+' or '-' or '@' or '\t');
        }

        Assert.Equal(257, (await client.Get("/licenses/export")).Text.TrimEnd().Split('\n').Length);
        Assert.Equal(2, (await client.Get("/licenses/export?user_id=200")).Text.TrimEnd().Split('\n').Length);
        (await client.Get("/licenses/export?state=nonsense")).Refuses(422, "VALIDATION_FAILED", "state");
    }

    [Fact]
    public async Task No_key_no_token_and_no_API_key_reaches_audit_log_error_or_export()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var license = (await client.Post("/licenses", new { product_id = 1, license_key = "CANARY-of-a-license-key" })).Ok(201).Json;
        var secrets = new List<string> { license.Key(), client.Key! };
        secrets.Add((await client.Post($"/licenses/{license.Id()}/rotate", new { overlap_hours = 1 })).Ok().Json.Key());
        secrets.Add((await client.Post("/licenses/1/reveal")).Ok().Json.Key());
        secrets.AddRange((await client.Post("/licenses/batch", new { product_id = 1, count = 3 })).Ok(201).Json.GetProperty("items").EnumerateArray().Select(item => item.Key()));
        secrets.Add((await client.Post("/api-keys", new { name = "n", scopes = new[] { "audit:read" } })).Ok(201).Json.Text("key"));
        secrets.Add((await client.Post("/licenses/1/download-tokens")).Ok(201).Json.Text("download_url").Split('/')[^1]);
        var told = new List<string>();
        foreach (var secret in secrets)
        {
            told.Add((await client.Get($"/licenses?q={secret}", ("X-Request-ID", secret[..Math.Min(64, secret.Length)]))).Text);
            (await client.Post("/licenses", $$"""{"product_id":1,"{{secret}}":1}""")).Refuses(400, "INVALID_REQUEST");
            (await client.Get($"/licenses/{secret}")).Refuses(404, "NOT_FOUND");
            (await client.Get($"/licenses?state={secret}")).Refuses(422, "VALIDATION_FAILED");
            (await client.Post("/licenses", new { product_id = 1, domains = new[] { secret + " x" } })).Refuses(422, "VALIDATION_FAILED");
            (await new AdminClient(server, secret + "x").Get("/licenses")).Refuses(401, "INVALID_API_KEY");
        }

        foreach (var path in (string[])["/audit?limit=100", "/audit/export", "/licenses?limit=100", "/licenses/export", "/api-keys", "/download-tokens", "/me"]) told.Add((await client.Get(path)).Text);
        told.AddRange(server.Log.Lines);
        Assert.True(server.Log.Lines.Count > 20);
        foreach (var secret in secrets) Assert.DoesNotContain(told, text => text.Contains(secret, StringComparison.OrdinalIgnoreCase));
    }
}
