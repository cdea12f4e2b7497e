using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary><c>ETag</c> and <c>If-Match</c>: nobody overwrites what they have not seen.</summary>
public sealed class ConditionTests
{
    static (string, string) If(string tag) => ("If-Match", tag);

    [Fact]
    public async Task A_change_is_made_to_the_state_that_was_seen_and_to_no_other()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        foreach (var (path, change, other) in new[]
        {
            ("/licenses/1", """{"max_domains":3}""", """{"max_domains":4}"""),
            ("/products/1", """{"name":"A"}""", """{"name":"B"}"""),
            ("/customers/123", """{"name":"A"}""", """{"name":"B"}"""),
        })
        {
            var seen = (await client.Get(path)).Ok().Header("ETag")!;
            var changed = (await client.Patch(path, change, If(seen))).Ok();
            Assert.NotEqual(seen, changed.Header("ETag"));
            Assert.Equal(changed.Header("ETag"), (await client.Get(path)).Header("ETag"));
            (await client.Patch(path, other, If(seen))).Refuses(412, "PRECONDITION_FAILED");
            Assert.Equal(changed.Text, (await client.Get(path)).Text);
            (await client.Patch(path, other, If("*"))).Ok();
            (await client.Patch(path, change, If($"\"0\", {(await client.Get(path)).Header("ETag")}"))).Ok();
        }
    }

    [Fact]
    public async Task A_weak_tag_an_empty_one_or_a_second_header_do_not_slip_through()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var seen = (await client.Get("/licenses/1")).Header("ETag")!;
        (await client.Patch("/licenses/1", """{"max_domains":5}""", If($"W/{seen}"))).Refuses(412, "PRECONDITION_FAILED");
        (await client.Patch("/licenses/1", """{"max_domains":5}""", If("\"0\""), If("\"1\""))).Refuses(412, "PRECONDITION_FAILED");
        (await client.Patch("/licenses/1", """{"max_domains":5}""", If(""))).Refuses(412, "PRECONDITION_FAILED");
        (await client.Post("/licenses/1/suspend", null, If("\"0\""))).Refuses(412, "PRECONDITION_FAILED");
        (await client.Post("/licenses", """{"product_id":1}""", If("\"0\""))).Refuses(412, "PRECONDITION_FAILED");
        Assert.Equal(seen, (await client.Get("/licenses/1")).Header("ETag"));
        Assert.Equal(1, server.WithDb(db => db.Licenses.Count()));
    }

    [Fact]
    public async Task Of_16_changes_to_the_same_state_at_once_exactly_one_is_made()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        for (var round = 0; round < 3; round++)
        {
            var seen = (await client.Get("/licenses/1")).Header("ETag")!;
            var replies = await Task.WhenAll(Enumerable.Range(10 + (round * 100), 16).Select(n => client.Patch("/licenses/1", new { max_domains = n }, If(seen))));
            var winner = Assert.Single(replies, reply => reply.Status == 200);
            Assert.All(replies.Where(reply => reply != winner), reply => reply.Refuses(412, "PRECONDITION_FAILED"));
            Assert.Equal(winner.Text, (await client.Get("/licenses/1")).Text);
        }
    }

    [Fact]
    public async Task What_changes_by_itself_does_not_change_the_tag()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var (license, product) = ((await client.Get("/licenses/1")).Header("ETag"), (await client.Get("/products/1")).Header("ETag"));
        var key = (await client.Post("/licenses/1/reveal")).Ok().Json.Key();
        Assert.Equal(200, (await server.Http.Verify(key, "example.com", 1)).Status);
        (await client.Post("/licenses", """{"product_id":1}""")).Ok(201);
        Assert.Equal((license, product), ((await client.Get("/licenses/1")).Header("ETag"), (await client.Get("/products/1")).Header("ETag")));
    }
}
