using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using Latchkey.Server.Data;
using Latchkey.Server.Http;

namespace Latchkey.Server.Admin.Api;

/// <summary>
/// JSON of the admin API: stricter than what we write ourselves. What is missing, unknown, given twice,
/// <c>null</c> or of the wrong type is refused before an operation sees it, with a pointer to it.
/// </summary>
static partial class RequestJson
{
    public static void Apply(JsonSerializerOptions options)
    {
        SnakeJson.Apply(options);

        // The API's description nests deeper. A request cannot: what it would hold there is unknown, and refused.
        options.MaxDepth = 0;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { RefuseNullItems } };
    }

    /// <summary>Annotations of what a list holds are not looked at by the serializer. And no text of ours has a NUL in it: PostgreSQL has none at all.</summary>
    static void RefuseNullItems(JsonTypeInfo type)
    {
        if (type.Kind != JsonTypeInfoKind.Object || type.Type.Namespace != typeof(RequestJson).Namespace) return;
        var texts = type.Properties.Where(property => property.Get is not null && property.PropertyType == typeof(string)).ToList();
        var lists = type.Properties.Where(property => property.Get is not null && property.PropertyType == typeof(IReadOnlyList<string>)).ToList();
        if (texts.Count + lists.Count == 0) return;
        type.OnDeserialized = request =>
        {
            if (texts.Find(text => HasNul((string?)text.Get!(request))) is { } bad) throw new JsonException("NUL in a text", $"$.{bad.Name}", null, null);
            foreach (var list in lists)
            {
                var index = ((IReadOnlyList<string?>?)list.Get!(request))?.Index().FirstOrDefault(item => item.Item is null || HasNul(item.Item), (-1, null)).Index ?? -1;
                if (index >= 0) throw new JsonException("null in a list", $"$.{list.Name}[{index}]", null, null);
            }
        };
    }

    static bool HasNul(string? text) => text?.Contains('\0', StringComparison.Ordinal) == true;

    /// <summary>What is wrong with the body, field by field.</summary>
    public static Refusal RefusalOf(JsonException wrong)
    {
        if (wrong.Path is not { } path) return Wire.InvalidRequest("The request body is not valid JSON");
        var missing = wrong.Message.Contains("missing required", StringComparison.Ordinal) ? FieldName().Matches(wrong.Message).Select(match => match.Groups[1].Value).ToList() : [];
        return new Refusal(400, "INVALID_REQUEST", "The request body is not what this endpoint takes")
        {
            Fields = missing.Count > 0
                ? missing.ConvertAll(name => new FieldFault($"{Pointer(path)}/{name}", "This field is missing."))
                : [new FieldFault(Pointer(path) is { Length: > 0 } pointer ? pointer : "/", "This field is unknown, given twice or of the wrong type.")],
        };
    }

    /// <summary><c>$.domains[0]</c> is <c>/domains/0</c>.</summary>
    static string Pointer(string path) => string.Concat(Step().Matches(path).Select(step =>
        "/" + step.Groups.Values.Skip(1).First(group => group.Success).Value.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)));

    // The serializer names them in its message alone; a test watches that it goes on doing so.
    [GeneratedRegex("'([a-z][a-z0-9_]*)'")]
    private static partial Regex FieldName();

    [GeneratedRegex(@"\.([^.\[]+)|\[(\d+)\]|\['(.*?)'\]")]
    private static partial Regex Step();
}
