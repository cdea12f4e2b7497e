using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Downloads;
using Latchkey.Server.Licenses;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Latchkey.Server.ApiDocs;

/// <summary>Where the framework's schemas say less, or more, than is so.</summary>
static class AdminSchemas
{
    public static Task Mend(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken stop)
    {
        var type = context.JsonTypeInfo;
        if (type.Type == typeof(AuditEntryView))
        {
            schema.Properties!["before"] = new OpenApiSchema { Type = JsonSchemaType.Object | JsonSchemaType.Null, Description = "The fields that changed, as they were." };
            schema.Properties["after"] = new OpenApiSchema { Type = JsonSchemaType.Object | JsonSchemaType.Null, Description = "The fields that changed, as they are since." };
        }

        foreach (var (name, property) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
        {
            if (property is OpenApiSchema known) Restrict(type.Type, name, known);
        }

        if (schema.Properties is not { Count: > 0 } || type.Type.Name.EndsWith("Request", StringComparison.Ordinal)) return Task.CompletedTask;

        // An answer holds all of its fields, but for those that are left out where they are null; it may get more one day.
        schema.AdditionalPropertiesAllowed = true;
        schema.Required = type.Properties.Where(property => !IsLeftOut(property.AttributeProvider)).Select(property => property.Name).ToHashSet();
        return Task.CompletedTask;
    }

    static bool IsLeftOut(System.Reflection.ICustomAttributeProvider? property) =>
        property?.GetCustomAttributes(typeof(JsonIgnoreAttribute), inherit: true).OfType<JsonIgnoreAttribute>().Any(ignore => ignore.Condition == JsonIgnoreCondition.WhenWritingNull) == true;

    static void Restrict(Type type, string name, OpenApiSchema property)
    {
        var isAnswer = !type.Name.EndsWith("Request", StringComparison.Ordinal);
        if (isAnswer && (name is "at" || name.EndsWith("_at", StringComparison.Ordinal) || name is "last_rotated" or "overlap_until")) property.Format = "date-time";
        if (name == "scopes" && property.Items is OpenApiSchema scope) scope.Enum = Values(Permission.All);
        if (States.TryGetValue((type, name), out var states)) property.Enum = Values(states);
    }

    static readonly Dictionary<(Type, string), string[]> States = new()
    {
        [(typeof(LicenseView), "state")] = ["active", "suspended", "revoked", "expired"],
        [(typeof(DownloadTokenView), "state")] = ["issued", "in_progress", "interrupted", "finished", "expired", "revoked"],
        [(typeof(ApiKeyView), "state")] = ["active", "expired", "revoked"],
        [(typeof(AuditActor), "kind")] = ["operator", "api_key", "command_line", "system"],
        [(typeof(AccountView), "kind")] = ["operator", "api_key"],
    };

    static List<JsonNode> Values(IEnumerable<string> texts) => [.. texts.Select(text => (JsonNode)JsonValue.Create(text))];
}
