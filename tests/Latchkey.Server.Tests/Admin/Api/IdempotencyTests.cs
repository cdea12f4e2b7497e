using Latchkey.Server.Admin.Access;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary><c>Idempotency-Key</c>: what is sent twice is done once.</summary>
public sealed class IdempotencyTests
{
    const string Issue = """{"product_id":1,"domains":["shop.example"],"user_id":7}""";

    static long Licenses(TestServer server) => server.WithDb(db => db.Licenses.LongCount());

    static (string, string) Key(string key) => ("Idempotency-Key", key);

    static void SameAnswer(Reply first, Reply again)
    {
        Assert.Equal((first.Status, first.Text, first.Header("ETag"), first.Content.ContentType), (again.Status, again.Text, again.Header("ETag"), again.Content.ContentType));
        Assert.Equal((null, "true"), (first.Header("Idempotency-Replayed"), again.Header("Idempotency-Replayed")));
    }

    [Fact]
    public Task Every_write_is_done_once_and_answered_alike_the_second_time() => Operations.Each(operation => operation.IsWrite(), async (server, operation) =>
    {
        var client = server.Admin();
        var first = await client.Do(operation, Key("one"));
        Assert.True(first.Status is 200 or 201, $"{operation} answered {first.Status}");
        var audited = server.WithDb(db => db.Audit.LongCount());
        SameAnswer(first, await client.Do(operation, Key("one")));
        Assert.Equal(audited, server.WithDb(db => db.Audit.LongCount()));
    });

    [Fact]
    public async Task The_answer_is_kept_over_a_restart_for_24_hours_and_as_many_of_a_wrong_clock()
    {
        var server = await Operations.Shop();
        var key = server.Admin().Key;
        var first = (await new AdminClient(server, key).Post("/licenses", Issue, Key("invoice-1"))).Ok(201);
        await server.Stop();
        await using var next = await TestServer.Run(server.Data.Path, server.Clock);
        var client = new AdminClient(next, key);
        next.Clock.Advance(TimeSpan.FromDays(2) - TimeSpan.FromSeconds(1));
        SameAnswer(first, await client.Post("/licenses", Issue, Key("invoice-1")));
        next.Clock.Advance(TimeSpan.FromSeconds(1));
        var anew = (await client.Post("/licenses", Issue, Key("invoice-1"))).Ok(201);
        Assert.NotEqual(first.Json.Key(), anew.Json.Key());
        Assert.Equal(3, Licenses(next));
        SameAnswer(anew, await client.Post("/licenses", Issue, Key("invoice-1")));
    }

    [Fact]
    public async Task Another_request_with_the_same_key_is_refused_whatever_differs()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        (await client.Post("/licenses", Issue, Key("k"))).Ok(201);
        (await client.Post("/licenses", Issue.Replace("7", "8"), Key("k"))).Refuses(422, "IDEMPOTENCY_KEY_REUSED");
        (await client.Post("/licenses/batch", """{"product_id":1,"count":1}""", Key("k"))).Refuses(422, "IDEMPOTENCY_KEY_REUSED");
        (await client.Patch("/licenses/1", new { max_domains = 3 }, Key("k"))).Refuses(422, "IDEMPOTENCY_KEY_REUSED");
        (await client.Put("/products/1/files/a.zip", [1], Key("k"), Operations.Digest([1]))).Refuses(422, "IDEMPOTENCY_KEY_REUSED");
        Assert.Equal(2, Licenses(server));
        (await client.Get("/licenses", Key("k"))).Ok();
    }

    [Fact]
    public async Task Keys_of_different_API_keys_do_not_mix()
    {
        await using var server = await Operations.Shop();
        var first = (await server.Admin().Post("/licenses", Issue, Key("k"))).Ok(201);
        var second = (await server.Admin().Post("/licenses", Issue, Key("k"))).Ok(201);
        Assert.NotEqual(first.Json.Key(), second.Json.Key());
    }

    [Fact]
    public async Task Of_32_equal_requests_at_once_exactly_one_issues_a_license()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        for (var round = 0; round < 5; round++)
        {
            var before = Licenses(server);
            var replies = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => client.Post("/licenses", Issue, Key($"round-{round}"))));
            Assert.All(replies, reply => Assert.Equal((201, replies[0].Text), (reply.Status, reply.Text)));
            Assert.Single(replies, reply => reply.Header("Idempotency-Replayed") is null);
            Assert.Equal(before + 1, Licenses(server));
        }
    }

    [Fact]
    public async Task Two_files_of_one_length_are_not_taken_for_one()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        (await client.Put("/releases/2/files/a.zip?platform=linux", [1, 2, 3], Key("k"))).Refuses(400, "DIGEST_REQUIRED");
        (await client.Put("/releases/2/files/a.zip?platform=linux", [1, 2, 3], Key("k"), Operations.Digest([1, 2, 3]))).Ok(201);
        (await client.Put("/releases/2/files/a.zip?platform=linux", [4, 5, 6], Key("k"), Operations.Digest([4, 5, 6]))).Refuses(422, "IDEMPOTENCY_KEY_REUSED");
        (await client.Put("/releases/2/files/b.zip?platform=mac", [4, 5, 6], Key("k2"), Operations.Digest([1, 2, 3]))).Refuses(422, "VALIDATION_FAILED", "Repr-Digest");
    }

    [Fact]
    public async Task Of_many_at_once_that_would_be_refused_the_second_time_all_get_the_first_answer()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        for (var round = 0; round < 5; round++)
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => client.Post("/customers", new { id = 500 + round }, Key($"customer-{round}"))));
            Assert.All(replies, reply => Assert.Equal((201, replies[0].Text), (reply.Status, reply.Text)));
            Assert.Single(replies, reply => reply.Header("Idempotency-Replayed") is null);
        }
    }

    [Fact]
    public async Task What_was_refused_is_not_kept_and_may_be_sent_again()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        (await client.Post("/products/1/archive")).Ok();
        (await client.Post("/licenses", Issue, Key("k"))).Refuses(409, "PRODUCT_ARCHIVED");
        (await client.Post("/products/1/unarchive")).Ok();
        (await client.Post("/licenses", Issue, Key("k"))).Ok(201);
    }

    [Fact]
    public async Task The_answer_lies_encrypted()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var license = (await client.Post("/licenses", Issue, Key("canary-of-the-key"))).Ok(201).Json.Key();
        var apiKey = (await client.Post("/api-keys", new { name = "n", scopes = new[] { Permission.AuditRead } }, Key("k2"))).Ok(201).Json.Text("key");
        var link = (await client.Post("/licenses/1/download-tokens", null, Key("k3"))).Ok(201).Json.Text("download_url");
        var all = Tables.Everything(server.Database());
        Assert.Contains("canary-of-the-key", all);
        foreach (var secret in (string[])[license, license[^16..], apiKey, link.Split('/')[^1], client.Key!]) Assert.DoesNotContain(secret, all);
    }

    [Fact]
    public async Task A_crash_in_between_leaves_neither_the_change_nor_the_answer()
    {
        await using var server = await Operations.Shop();
        var before = Licenses(server);
        Assert.Throws<InvalidOperationException>(() =>
        {
            using var work = UnitOfWork.Open(server.Data, server.Clock, Actor.CommandLine(), new Terms(null, (db, _) =>
            {
                db.Add(new IdempotentAnswer { Actor = "a", Key = "k", Fingerprint = [1], Body = [1], CreatedAt = server.Clock.GetUtcNow() });
                db.SaveChanges();
                throw new InvalidOperationException("the power fails here");
            }));
            new LicenseOperations(work).Issue(new IssueLicense(1, []));
        });
        Assert.Equal((before, 0, false), (Licenses(server), server.WithDb(db => db.IdempotentAnswers.Count()), server.WithDb(db => db.Audit.Any(e => e.Action == "license.issue" && e.ObjectId == "2"))));
    }
}
