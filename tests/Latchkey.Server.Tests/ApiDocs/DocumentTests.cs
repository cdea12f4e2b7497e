using System.Text.Json;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Http;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.ApiDocs;

/// <summary>The documents themselves: whole, true to the routes, and served as they should be.</summary>
public sealed class DocumentTests
{
    static readonly string[] Names = ["license", "admin"];

    static async Task<List<ApiDocument>> All(TestServer server) => [await ApiDocument.Of(server, "license"), await ApiDocument.Of(server, "admin")];

    [Fact]
    public async Task Every_route_is_in_a_document_and_every_operation_is_a_route()
    {
        await using var server = await TestServer.Run();
        var routes = new HashSet<string>();
        foreach (var endpoint in server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            var path = "/" + string.Join('/', endpoint.RoutePattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(part =>
                part is Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart parameter ? $"{{{parameter.Name}}}" : ((Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart)part).Content))));
            if (!path.StartsWith("/api", StringComparison.Ordinal)) continue;
            var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? await Allowed(server, path);
            foreach (var method in methods) routes.Add($"{method} {path}");
            if (path.EndsWith("/{name}", StringComparison.Ordinal)) foreach (var method in methods) routes.Add($"{method} {path[..^7]}");
        }

        var described = (await All(server)).SelectMany(document => document.Operations).SelectMany(operation => operation.HeadIsImplied && operation.Path.StartsWith("/api/admin", StringComparison.Ordinal) ? [$"{operation}", $"HEAD {operation.Path}"] : new[] { $"{operation}" });
        Assert.Equal(routes.Order(), described.Order());
        Assert.True(routes.Count > 40);
    }

    /// <summary>A hand-written endpoint takes every method, and says which it knows.</summary>
    static async Task<string[]> Allowed(TestServer server, string path)
    {
        var reply = await server.Http.Read(new HttpRequestMessage(HttpMethod.Trace, path.Replace("{token}", new string('0', 64)).Replace("{name}", "x.zip")));
        Assert.Equal(405, reply.Status);
        return reply.Header("Allow")!.Split(", ");
    }

    [Fact]
    public async Task They_are_OpenAPI_3_1_public_and_the_same_to_everybody()
    {
        await using var server = await TestServer.Run(("PublicUrl", "https://example.com/latchkey/"));
        foreach (var name in Names)
        {
            var reply = await server.Http.Get($"/openapi/{name}.json");
            Assert.Equal(200, reply.Status);
            Assert.StartsWith("3.1.", reply.Json.GetProperty("openapi").GetString());
            Assert.Equal("/latchkey", reply.Json.GetProperty("servers")[0].GetProperty("url").GetString());
            Assert.DoesNotContain("Latchkey.Server", reply.Text);
            var head = await server.Http.Read(new HttpRequestMessage(HttpMethod.Head, $"/openapi/{name}.json"));
            Assert.Equal((200, reply.Content.ContentLength, 0), (head.Status, head.Content.ContentLength, head.Bytes.Length));
        }
    }

    [Fact]
    public async Task Every_reference_leads_somewhere_and_every_component_is_used()
    {
        await using var server = await TestServer.Run();
        foreach (var document in await All(server))
        {
            var used = new HashSet<string>();
            Walk(document.Root, node =>
            {
                if (!node.TryGetProperty("$ref", out var reference)) return;
                document.Resolve(node);
                used.Add(reference.GetString()!);
            });
            foreach (var kind in document.Root.GetProperty("components").EnumerateObject().Where(kind => kind.Name != "securitySchemes"))
            {
                var unused = kind.Value.EnumerateObject().Select(component => $"#/components/{kind.Name}/{component.Name}").Except(used).Where(name => !name.EndsWith("/NOT_FOUND", StringComparison.Ordinal) && !name.EndsWith("/METHOD_NOT_ALLOWED", StringComparison.Ordinal));
                Assert.Equal([], unused);
            }
        }
    }

    static void Walk(JsonElement node, Action<JsonElement> visit)
    {
        if (node.ValueKind == JsonValueKind.Array) foreach (var item in node.EnumerateArray()) Walk(item, visit);
        if (node.ValueKind != JsonValueKind.Object) return;
        visit(node);
        foreach (var property in node.EnumerateObject()) Walk(property.Value, visit);
    }

    [Fact]
    public async Task Every_body_has_an_example_that_its_schema_allows()
    {
        await using var server = await TestServer.Run();
        foreach (var document in await All(server))
        {
            foreach (var operation in document.Operations)
            {
                var bodies = operation.Json.GetProperty("responses").EnumerateObject().Select(answer => document.Resolve(answer.Value)).ToList();
                if (operation.Json.TryGetProperty("requestBody", out var request)) bodies.Add(request);
                foreach (var media in bodies.Where(body => body.TryGetProperty("content", out _)).SelectMany(body => body.GetProperty("content").EnumerateObject()).Where(media => media.Name is "application/json" || (media.Name is "application/problem+json" && document.Operations[0].Path.StartsWith("/api/admin", StringComparison.Ordinal))))
                {
                    var examples = media.Value.TryGetProperty("example", out var one) ? [one] : media.Value.TryGetProperty("examples", out var several) ? [.. several.EnumerateObject().Select(example => document.Resolve(example.Value).GetProperty("value"))] : new List<JsonElement>();
                    Assert.True(examples.Count > 0, $"{operation} has a body without an example: {media.Value}");
                    Assert.All(examples, example => Assert.Equal([], document.Faults(media.Value.GetProperty("schema"), example)));
                }
            }
        }
    }

    [Fact]
    public async Task Every_error_of_the_wire_is_in_the_license_document_with_its_status_and_message()
    {
        await using var server = await TestServer.Run();
        var document = await ApiDocument.Of(server, "license");
        var text = document.Root.GetRawText();
        foreach (var refusal in typeof(Wire).GetFields().Select(field => field.GetValue(null)).OfType<Refusal>().Append(Wire.InvalidRequest("")).Append(Wire.ConflictingInput("domain")))
        {
            if (refusal.Code is "NOT_FOUND") continue;
            var example = document.Root.GetProperty("components").GetProperty("examples").GetProperty(refusal.Code).GetProperty("value");
            if (refusal.Code != "INVALID_REQUEST") Assert.Equal(refusal.Message, example.GetProperty("message").GetString());
            Assert.True(document.Operations.Any(operation => operation.Json.GetProperty("responses").TryGetProperty(refusal.Status.ToString(), out var answer)
                && document.Resolve(answer).TryGetProperty("content", out var content) && content.GetRawText().Contains($"\"{refusal.Code}\"", StringComparison.Ordinal)), $"{refusal.Status} {refusal.Code}");
        }
    }

    [Fact]
    public void Every_code_that_the_program_can_answer_is_in_the_catalogue_of_the_admin_API()
    {
        var source = Path.Combine(Cli.Root, "src/Latchkey.Server");
        string[] rooms = ["Admin/Access", "Admin/Api", "Products", "Customers", "Licenses", "Downloads", "Blobs", "Data", "Activity"];
        var text = string.Concat(rooms.SelectMany(room => Directory.GetFiles(Path.Combine(source, room), "*.cs")).Select(File.ReadAllText));
        var codes = System.Text.RegularExpressions.Regex.Matches(text, @"(?:Code = |Conflict\(|new\(\d{3}, )""([A-Z_]+)""").Select(match => match.Groups[1].Value)
            .Concat(System.Text.RegularExpressions.Regex.Matches(text, @"Missing\(""([\w ]+)""").Select(match => match.Groups[1].Value.Replace(' ', '_').ToUpperInvariant() + "_NOT_FOUND")).ToHashSet();
        codes.Remove("INVALID");
        Assert.True(codes.Count > 20);
        Assert.Equal([], codes.Except(AdminErrors.ByCode.Keys));
    }

    [Fact]
    public async Task The_page_runs_only_scripts_of_its_own_and_takes_a_new_nonce_each_time()
    {
        await using var server = await TestServer.Run();
        var nonces = new HashSet<string>();
        for (var i = 0; i < 2; i++)
        {
            var page = await server.Http.Get("/docs/");
            Assert.Equal(200, page.Status);
            var policy = page.Header("Content-Security-Policy")!;
            var nonce = System.Text.RegularExpressions.Regex.Match(policy, "'nonce-([^']+)'").Groups[1].Value;
            Assert.True(nonces.Add(nonce));
            Assert.DoesNotContain("unsafe", policy.Split("script-src")[1].Split(';')[0]);
            Assert.Contains("default-src 'none'", policy);
            Assert.Contains("frame-ancestors 'none'", policy);
            Assert.All(System.Text.RegularExpressions.Regex.Matches(page.Text, "<script[^>]*>"), script => Assert.Contains(nonce, script.Value));
            Assert.DoesNotContain("http", page.Text);
        }

        Assert.Equal(200, (await server.Http.Get("/docs/scalar.js")).Status);
        Assert.Contains("/docs", (await server.Http.Get("/")).Text);
    }
}
