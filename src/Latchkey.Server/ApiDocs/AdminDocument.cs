using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Latchkey.Server.Configuration;
using Latchkey.Server.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;

namespace Latchkey.Server.ApiDocs;

/// <summary>
/// The admin API's document: paths, parameters and schemas as the framework reads them off the endpoints, and
/// what it cannot know (errors, headers, scopes, examples) off our own metadata.
/// </summary>
sealed class AdminDocument(IServiceProvider services, EndpointDataSource endpoints, Settings settings)
{
    const string Name = "admin";

    const string About =
        "What a shop, a billing system or a script does with products, licenses and customers. The guide is docs/admin-api.md.\n\n"
        + "Send an API key with every request: `Authorization: Bearer lka_…`. Each operation names the scope it needs.\n\n"
        + "HEAD is answered wherever GET is. New fields and headers may be added to answers at any time: ignore what you do not know.";

    static readonly JsonSerializerOptions Written = new(SnakeJson.Options) { MaxDepth = 0 };

    readonly Lazy<Task<byte[]>> _text = new(() => Build(services, endpoints, settings));

    public static IServiceCollection AddServices(IServiceCollection services) => services.AddOpenApi(Name, options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.ShouldInclude = description => description.RelativePath?.StartsWith("api/admin", StringComparison.Ordinal) == true && description.HttpMethod != "HEAD";
        options.CreateSchemaReferenceId = type => type.Type == typeof(JsonElement) ? null : OpenApiOptions.CreateDefaultSchemaReferenceId(type);
        options.AddSchemaTransformer(AdminSchemas.Mend);
    });

    public Task<byte[]> Text() => _text.Value;

    static async Task<byte[]> Build(IServiceProvider services, EndpointDataSource endpoints, Settings settings)
    {
        using var scope = services.CreateScope();
        var document = await scope.ServiceProvider.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync();
        var root = JsonNode.Parse(await document.SerializeAsJsonAsync(OpenApiSpecVersion.OpenApi3_1))!.AsObject();
        root["info"] = new JsonObject { ["title"] = "Latchkey admin API", ["version"] = typeof(AdminDocument).Assembly.GetName().Version!.ToString(3), ["description"] = About };
        root["servers"] = new JsonArray(new JsonObject { ["url"] = LicenseDocument.Home(settings) });
        root["security"] = new JsonArray(new JsonObject { ["api_key"] = new JsonArray() });
        AdminComponents.AddTo(root["components"]!.AsObject());
        var named = endpoints.Endpoints.OfType<RouteEndpoint>().Where(endpoint => endpoint.Metadata.GetMetadata<IEndpointNameMetadata>() is not null)
            .ToDictionary(endpoint => endpoint.Metadata.GetMetadata<IEndpointNameMetadata>()!.EndpointName);
        foreach (var (path, item) in root["paths"]!.AsObject())
        {
            foreach (var (method, operation) in item!.AsObject())
            {
                var written = operation!.AsObject();
                new AdminOperation(written, named[(string)written["operationId"]!], method, path).Complete();
            }
        }

        ShareResponses(root);
        return JsonSerializer.SerializeToUtf8Bytes(root, Written);
    }

    /// <summary>An answer that several operations give stands once: that halves the document.</summary>
    static void ShareResponses(JsonObject root)
    {
        var shared = new JsonObject();
        var uses = root["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject())
            .SelectMany(operation => operation.Value!["responses"]!.AsObject().Select(answer => (Responses: operation.Value["responses"]!, Status: answer.Key, Text: answer.Value!.ToJsonString(Written))))
            .GroupBy(use => (use.Status, use.Text)).Where(group => group.Count() > 1).ToList();
        foreach (var group in uses)
        {
            var name = ReasonPhrases.GetReasonPhrase(int.Parse(group.Key.Status, CultureInfo.InvariantCulture)).Replace(" ", "", StringComparison.Ordinal);
            for (var number = 2; shared.ContainsKey(name); number++) name = $"{name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')}{number}";
            shared.Add(name, JsonNode.Parse(group.Key.Text));
            foreach (var use in group) use.Responses[use.Status] = AdminComponents.Ref("responses", name);
        }

        root["components"]!["responses"] = shared;
    }
}
