using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Latchkey.Server.Tests.ApiDocs;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>
/// Walks every operation of the document with requests of every kind. The client itself fails where an answer is
/// none that the document allows; here stands what the answer must be.
/// </summary>
public sealed class RouteWalkTests
{
    [Fact]
    public Task Every_operation_is_done_when_it_is_asked_as_the_document_shows() => Operations.Each(_ => true, async (server, operation) =>
    {
        var client = server.Admin();
        var reply = await client.Do(operation);
        Assert.True(reply.Status is 200 or 201, $"{operation} answered {reply.Status} {reply.Text}");
        Assert.Equal(reply.Status == 201, reply.Header("Location") is not null);
        if (operation.HeadIsImplied) await HeadIsLikeGet(client, operation);
        if (reply.Header("Location") is { } made) Assert.NotEqual(404, (await client.Get(made[AdminClient.Root.Length..])).Status);
    });

    static async Task HeadIsLikeGet(AdminClient client, Operation operation)
    {
        var get = await client.Get(operation.Path());
        var head = await client.Send("HEAD", operation.Path());
        Assert.Equal((get.Status, get.Content.ContentType, get.Header("ETag"), 0), (head.Status, head.Content.ContentType, head.Header("ETag"), head.Bytes.Length));
    }

    [Fact]
    public async Task Nothing_is_told_without_a_right_key()
    {
        await using var server = await Operations.Shop();
        foreach (var operation in await Operations.All(server))
        {
            (await new AdminClient(server, null).Do(operation)).Refuses(401, "MISSING_AUTHORIZATION");
            (await new AdminClient(server, "lka_" + new string('A', 43)).Do(operation)).Refuses(401, "INVALID_API_KEY");
            (await new AdminClient(server, null).Do(operation, ("Authorization", "Basic YTpi"))).Refuses(401, "INVALID_API_KEY");
        }

        (await new AdminClient(server, null).Get("/nothing")).Refuses(401, "MISSING_AUTHORIZATION");
    }

    [Fact]
    public async Task What_is_not_there_is_404_and_a_wrong_method_405()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        foreach (var operation in await Operations.All(server))
        {
            if (operation.HasId())
            {
                var reply = await client.Send(operation.Method, operation.Path("999999"), operation.Example());
                Assert.True(reply.Status == 404 && reply.Code!.EndsWith("_NOT_FOUND", StringComparison.Ordinal), $"{operation} answered {reply.Status} {reply.Text}");
                (await client.Send(operation.Method, operation.Path("one"), operation.Example())).Refuses(404, "NOT_FOUND");
                (await client.Send(operation.Method, operation.Path("99999999999999999999"), operation.Example())).Refuses(404, "NOT_FOUND");
            }

            var wrong = await client.Send("TRACE", operation.Path());
            wrong.Refuses(405, "METHOD_NOT_ALLOWED");
            Assert.Contains(operation.Method, wrong.Header("Allow"));
            if (operation.HeadIsImplied) Assert.Contains("HEAD", wrong.Header("Allow"));
        }

        (await client.Get("/nothing")).Refuses(404, "NOT_FOUND");
        (await client.Get("")).Refuses(404, "NOT_FOUND");
    }

    [Fact]
    public async Task Every_wrong_query_parameter_is_named()
    {
        await using var server = await Operations.Shop();
        var (client, document) = (server.Admin(), await ApiDocument.Of(server, "admin"));
        foreach (var operation in document.Operations.Where(operation => !operation.TakesFile()))
        {
            (await client.Send(operation.Method, operation.Path() + "?nonsense=1", operation.Example())).Refuses(400, "INVALID_REQUEST", "nonsense");
            foreach (var (name, schema) in operation.Query(document)) await Probe(client, operation, name, schema);
        }
    }

    static async Task Probe(AdminClient client, Operation operation, string name, JsonElement schema)
    {
        async Task Refused(string value) => (await client.Get($"{operation.Path()}?{value}")).Refuses(422, "VALIDATION_FAILED", name);
        await Refused($"{name}=1&{name}=1");
        if (schema.GetProperty("type").GetString() is "integer" or "boolean")
        {
            await Refused($"{name}=abc");
            await Refused($"{name}=1.5");
            await Refused($"{name}=99999999999999999999");
        }

        if (name == "limit") foreach (var limit in (string[])["0", "-1", "101"]) await Refused($"limit={limit}");
        if (name is "sort" or "state") await Refused($"{name}=nonsense");
        if (name == "cursor") foreach (var cursor in (string[])["!", "abc", "eA", new string('A', 500)]) await Refused($"cursor={cursor}");
        if (name is "from" or "to" or "expires_before") await Refused($"{name}=yesterday");
        if (name == "domain") await Refused("domain=a..b");
        if (!schema.TryGetProperty("enum", out var values)) return;
        foreach (var value in values.EnumerateArray()) (await client.Get($"{operation.Path()}?{name}={value.GetString()}")).Ok();
    }

    [Fact]
    public async Task Every_wrong_body_is_refused_with_a_pointer_to_what_is_wrong()
    {
        await using var server = await Operations.Shop();
        var (client, document) = (server.Admin(), await ApiDocument.Of(server, "admin"));
        foreach (var operation in document.Operations.Where(operation => operation.TakesJson()))
        {
            async Task<Reply> Send(object? body) => await client.Send(operation.Method, operation.Path(), body);
            var example = (string)operation.Example()!;
            foreach (var broken in (string[])["{", "[]", "\"text\"", "1", "{}x", "{\"\":}", example[..^1], new string('[', 100_000)]) (await Send(broken)).Refuses(400, "INVALID_REQUEST");
            (await Send(new StringContent(example, Encoding.UTF8, new MediaTypeHeaderValue("text/plain")))).Refuses(415, "UNSUPPORTED_MEDIA_TYPE");
            (await Send(new StringContent(example, Encoding.UTF8, new MediaTypeHeaderValue("application/x-www-form-urlencoded")))).Refuses(415, "UNSUPPORTED_MEDIA_TYPE");
            (await client.Send(operation.Method, operation.Path(), new string(' ', (1 << 20) + 1), ("Expect", "100-continue"))).Refuses(413, "PAYLOAD_TOO_LARGE");
            (await client.Send(operation.Method, operation.Path(), new string(' ', (1 << 20) + 1), ("Expect", "100-continue"), ("Idempotency-Key", "k"))).Refuses(413, "PAYLOAD_TOO_LARGE");
            await WrongFields(operation, operation.Schema(document), Send);
            if (operation.Json.GetProperty("requestBody").TryGetProperty("required", out _)) foreach (var none in (string?[])[null, "", "null", " "]) Assert.Contains((await Send(none)).Status, none is null ? [400, 415] : new[] { 400 });
        }
    }

    static async Task WrongFields(Operation operation, JsonElement schema, Func<object?, Task<Reply>> send)
    {
        async Task Refused(Action<JsonObject> change, string pointer)
        {
            var body = operation.ExampleObject();
            change(body);
            var reply = await send(body.ToJsonString());
            Assert.True((reply.Status, reply.Code) == (400, "INVALID_REQUEST") && reply.Fields().Contains(pointer), $"{operation} {body.ToJsonString()} answered {reply.Status} {reply.Text}, without {pointer}");
        }

        await Refused(body => body["nonsense"] = 1, "/nonsense");
        await Refused(body => body["is_admin"] = true, "/is_admin");
        var required = schema.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(name => name.GetString()!).ToArray() : [];
        foreach (var name in required)
        {
            await Refused(body => body.Remove(name), "/" + name);
            await Refused(body => body[name] = null, "/" + name);
        }

        foreach (var property in schema.GetProperty("properties").EnumerateObject())
        {
            await Refused(body => body[property.Name] = new JsonObject { ["a"] = 1 }, "/" + property.Name);
            if (property.Value.GetProperty("type").GetRawText().Contains("array", StringComparison.Ordinal)) await Refused(body => body[property.Name] = new JsonArray((JsonNode?)null), $"/{property.Name}/0");
            var twice = operation.ExampleObject();
            twice[property.Name] ??= null;
            var text = twice.ToJsonString();
            var value = twice[property.Name]?.ToJsonString() ?? "null";
            (await send($"{text[..^1]},\"{property.Name}\":{value}}}")).Refuses(400, "INVALID_REQUEST", "/" + property.Name);
        }
    }

    [Fact]
    public async Task Conditions_and_idempotency_keys_that_make_no_sense_are_refused_by_every_write()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        foreach (var operation in (await Operations.All(server)).Where(operation => operation.IsWrite()))
        {
            if (operation.HasId()) (await client.Do(operation, ("If-Match", "\"000000000000000000000000\""))).Refuses(412, "PRECONDITION_FAILED");
            foreach (var key in (string[])["", new string('k', 256), "a b"]) (await client.Do(operation, ("Idempotency-Key", key))).Refuses(400, "INVALID_IDEMPOTENCY_KEY");
        }
    }
}
