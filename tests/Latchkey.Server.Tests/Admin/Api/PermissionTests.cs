using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>Who may do what: deny by default, one scope for each endpoint, and nothing beside it.</summary>
public sealed class PermissionTests
{
    [Fact]
    public async Task Every_operation_is_open_to_its_own_scope_and_to_no_other()
    {
        await using var server = await Operations.Shop();
        var clients = Permission.All.ToDictionary(scope => scope, scope => server.Admin(scope));
        foreach (var operation in await Operations.All(server))
        {
            foreach (var (scope, client) in clients)
            {
                var isRight = operation.Scope is null || operation.Scope == scope;

                // On what is not there: whoever may, is told so, and nothing is used up.
                var reply = operation.HasId() ? await client.Send(operation.Method, operation.Path("999999"), operation.Example()) : await client.Do(operation);
                if (isRight) Assert.True(reply.Status is 200 or 201 or 404 or 409 || (reply.Code == "VALIDATION_FAILED" && operation.Id == "createApiKey") || reply.Text.Contains("may do less", StringComparison.Ordinal), $"{operation} with {scope} answered {reply.Status} {reply.Text}");
                else reply.Refuses(403, "FORBIDDEN");
            }
        }
    }

    [Fact]
    public async Task Every_operation_but_ones_own_account_names_a_scope_that_there_is()
    {
        await using var server = await Operations.Shop();
        var open = (await Operations.All(server)).Where(operation => operation.Scope is null).Select(operation => operation.Id);
        Assert.Equal(["getAccount"], open);
        Assert.All(await Operations.All(server), operation => Assert.True(operation.Scope is null || Permission.All.Contains(operation.Scope)));
        var endpoints = server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().Where(e => e.RoutePattern.RawText!.StartsWith("/api/admin", StringComparison.Ordinal));
        Assert.All(endpoints, endpoint => Assert.NotNull(endpoint.Metadata.GetMetadata<Needs>()));
    }

    [Fact]
    public async Task An_API_key_gives_no_more_than_it_has()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin(Permission.ApiKeysWrite, Permission.LicensesRead);
        (await client.Post("/api-keys", new { name = "More", scopes = new[] { Permission.LicensesRead, Permission.AuditRead } })).Refuses(422, "VALIDATION_FAILED", "/scopes/1");
        (await client.Post("/api-keys", new { name = "More", scopes = new[] { "everything" } })).Refuses(422, "VALIDATION_FAILED", "/scopes/0");
        (await client.Post("/api-keys", new { name = "More", scopes = Array.Empty<string>() })).Refuses(422, "VALIDATION_FAILED", "/scopes");
        (await client.Post("/api-keys", new { name = "Net", scopes = new[] { Permission.LicensesRead }, networks = new[] { "10.0.0.0/8", "nowhere" } })).Refuses(422, "VALIDATION_FAILED", "/networks/1");
        var made = (await client.Post("/api-keys", new { name = "Less", scopes = new[] { Permission.LicensesRead } })).Ok(201).Json;
        var less = new AdminClient(server, made.Text("key"));
        (await less.Get("/licenses")).Ok();
        (await less.Get("/api-keys")).Refuses(403, "FORBIDDEN");
        Assert.Equal([Permission.LicensesRead], (await less.Get("/me")).Ok().Json.GetProperty("permissions").EnumerateArray().Select(p => p.GetString()));
    }

    [Fact]
    public async Task A_key_that_an_API_key_makes_is_bound_to_no_more_networks_and_lives_no_longer()
    {
        await using var server = await Operations.Shop();
        string[] scopes = [Permission.ApiKeysWrite, Permission.LicensesRead];
        var end = TestServer.Start.AddDays(10);
        var client = new AdminClient(server, server.MakeKey(scopes, networks: ["127.0.0.0/8", "2001:db8::/32"], expires: end).Key);
        Task<Reply> Make(object more) => client.Post("/api-keys", more);
        var usual = (await Make(new { name = "n", scopes })).Ok(201).Json;
        Assert.Equal(["127.0.0.0/8", "2001:db8::/32"], usual.GetProperty("networks").EnumerateArray().Select(n => n.GetString()));
        Assert.Equal("2026-01-11T00:00:00.000000Z", usual.Text("expires_at"));
        foreach (var wide in (string[])["0.0.0.0/0", "10.0.0.1", "126.0.0.0/7", "2001:db9::/32", "::/0", "::ffff:10.0.0.1"])
        {
            (await Make(new { name = "n", scopes, networks = new[] { "127.0.0.1", wide } })).Refuses(422, "VALIDATION_FAILED", "/networks/1");
        }

        (await Make(new { name = "n", scopes, expires_at = "2026-01-12" })).Refuses(422, "VALIDATION_FAILED", "/expires_at");
        var narrow = (await Make(new { name = "n", scopes, networks = new[] { "127.0.0.1", "2001:db8:1::/48" }, expires_at = "2026-01-05" })).Ok(201).Json;
        Assert.Equal(["127.0.0.1/32", "2001:db8:1::/48"], narrow.GetProperty("networks").EnumerateArray().Select(n => n.GetString()));

        // Neither by way of one in between.
        var next = new AdminClient(server, narrow.Text("key"));
        (await next.Post("/api-keys", new { name = "n", scopes, networks = new[] { "127.0.0.2" } })).Refuses(422, "VALIDATION_FAILED", "/networks/0");
    }

    [Fact]
    public async Task A_key_that_expired_was_revoked_or_comes_from_elsewhere_is_refused_from_the_next_request_on()
    {
        await using var server = await Operations.Shop();
        var expiring = new AdminClient(server, server.MakeKey([Permission.LicensesRead], expires: TestServer.Start.AddHours(1)).Key);
        var made = server.MakeKey([Permission.LicensesRead], networks: ["127.0.0.1", "2001:db8::/32"]);
        var revoked = new AdminClient(server, made.Key);
        var elsewhere = new AdminClient(server, server.MakeKey([Permission.LicensesRead], networks: ["10.0.0.0/8"]).Key);
        (await expiring.Get("/licenses")).Ok();
        (await revoked.Get("/licenses")).Ok();
        (await elsewhere.Get("/licenses")).Refuses(403, "ADDRESS_NOT_ALLOWED");

        (await server.Admin().Post($"/api-keys/{made.Id}/revoke")).Ok();
        (await revoked.Get("/licenses")).Refuses(401, "INVALID_API_KEY");
        server.Clock.Advance(TimeSpan.FromHours(1));
        (await expiring.Get("/licenses")).Refuses(401, "INVALID_API_KEY");
        var unknown = await new AdminClient(server, "lka_" + new string('x', 43)).Get("/licenses");
        var late = await expiring.Get("/licenses");
        Assert.Equal(unknown.Text.Replace(unknown.Header("X-Request-ID")!, ""), late.Text.Replace(late.Header("X-Request-ID")!, ""));
    }

    [Fact]
    public async Task Two_keys_or_a_key_in_the_query_string_are_no_key()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        (await client.Get("/licenses", ("Authorization", $"Bearer {client.Key}"))).Refuses(401, "INVALID_API_KEY");
        (await new AdminClient(server, null).Get($"/licenses?api_key={client.Key}")).Refuses(401, "MISSING_AUTHORIZATION");
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains(client.Key!, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Guessing_is_throttled_however_the_guesses_vary_and_free_again_after_a_minute()
    {
        await using var server = await Operations.Shop(("RateLimit:FailuresPerMinute", "5"));
        for (var i = 0; i < 5; i++) (await new AdminClient(server, $"lka_{i}").Get("/licenses")).Refuses(401, "INVALID_API_KEY");
        var throttled = await new AdminClient(server, "lka_other").Get("/products");
        throttled.Refuses(429, "RATE_LIMITED");
        Assert.InRange(int.Parse(throttled.Header("Retry-After")!), 1, 60);
        (await server.Admin().Get("/licenses")).Refuses(429, "RATE_LIMITED");
        server.Clock.Advance(TimeSpan.FromSeconds(61));
        (await server.Admin().Get("/licenses")).Ok();
    }

    [Fact]
    public async Task Each_key_has_its_own_limit_and_is_told_what_is_left_of_it()
    {
        await using var server = await Operations.Shop(("Admin:RequestsPerMinute", "3"));
        var (one, other) = (server.Admin(), server.Admin());
        for (var left = 2; left >= 0; left--)
        {
            var reply = (await one.Get("/me")).Ok();
            Assert.Equal(("3", $"{left}", "\"api-key\";q=3;w=60", $"\"api-key\";r={left};t=60"), (reply.Header("X-RateLimit-Limit"), reply.Header("X-RateLimit-Remaining"), reply.Header("RateLimit-Policy"), reply.Header("RateLimit")));
        }

        var refused = await one.Get("/me");
        refused.Refuses(429, "RATE_LIMITED");
        Assert.Equal(("0", "60"), (refused.Header("X-RateLimit-Remaining"), refused.Header("Retry-After")));
        (await other.Get("/me")).Ok();
        server.Clock.Advance(TimeSpan.FromSeconds(60));
        (await one.Get("/me")).Ok();
    }

    [Fact]
    public async Task The_last_use_of_a_key_is_noted_to_the_minute()
    {
        await using var server = await Operations.Shop();
        var made = server.MakeKey([Permission.ApiKeysRead]);
        var client = new AdminClient(server, made.Key);
        Task<Reply> Seen(string? at) => Poll.Until(() => client.Get($"/api-keys/{made.Id}"), reply => reply.Json.GetProperty("last_used_at").GetString() == at);
        var reply = await Seen("2026-01-01T00:00:00.000000Z");
        Assert.Equal("127.0.0.1", reply.Json.Text("last_used_from"));
        server.Clock.Advance(TimeSpan.FromMinutes(2));
        await Seen("2026-01-01T00:02:00.000000Z");
    }
}
