using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Latchkey.Server.Tests.ApiDocs;

/// <summary>
/// The part of JSON Schema that our documents use. A keyword it does not know throws, so that nothing is taken for
/// checked that is not. Stricter than the standard in one thing: a property that no schema declares is a fault.
/// </summary>
sealed class JsonSchema(JsonElement document)
{
    static readonly string[] Notes = ["description", "example", "examples", "format", "title", "default"];

    /// <returns>What is wrong, each with where.</returns>
    public List<string> Faults(JsonElement schema, JsonElement value, string where = "$")
    {
        var faults = new List<string>();
        var declared = new HashSet<string>();
        Check(schema, value, where, faults, declared);
        if (value.ValueKind == JsonValueKind.Object && declared.Count > 0) faults.AddRange(value.EnumerateObject().Where(p => !declared.Contains(p.Name)).Select(p => $"{where}.{p.Name} is not declared"));
        return faults;
    }

    public JsonElement Resolve(JsonElement node)
    {
        while (node.ValueKind == JsonValueKind.Object && node.TryGetProperty("$ref", out var reference))
        {
            node = document;
            foreach (var step in reference.GetString()![2..].Split('/')) node = node.GetProperty(step);
        }

        return node;
    }

    void Check(JsonElement schema, JsonElement value, string where, List<string> faults, HashSet<string> declared)
    {
        foreach (var keyword in Resolve(schema).EnumerateObject())
        {
            if (!Notes.Contains(keyword.Name)) Check(keyword.Name, keyword.Value, Resolve(schema), value, where, faults, declared);
        }
    }

    void Check(string keyword, JsonElement rule, JsonElement schema, JsonElement value, string where, List<string> faults, HashSet<string> declared)
    {
        switch (keyword)
        {
            case "type":
                if (!Types(rule).Any(type => Is(type, value))) faults.Add($"{where} is {value.ValueKind}, not {rule}");
                break;
            case "enum":
                if (!rule.EnumerateArray().Any(allowed => JsonElement.DeepEquals(allowed, value))) faults.Add($"{where} is {value}, none of {rule}");
                break;
            case "const":
                if (!JsonElement.DeepEquals(rule, value)) faults.Add($"{where} is {value}, not {rule}");
                break;
            case "required":
                if (value.ValueKind == JsonValueKind.Object) faults.AddRange(rule.EnumerateArray().Where(name => !value.TryGetProperty(name.GetString()!, out _)).Select(name => $"{where}.{name} is missing"));
                break;
            case "properties":
                Properties(rule, value, where, faults, declared);
                break;
            case "items":
                if (value.ValueKind == JsonValueKind.Array) faults.AddRange(value.EnumerateArray().SelectMany((item, i) => Faults(rule, item, $"{where}[{i}]")));
                break;
            case "allOf":
                foreach (var part in rule.EnumerateArray()) Check(part, value, where, faults, declared);
                break;
            case "oneOf":
                OneOf(rule, value, where, faults, declared);
                break;
            case "additionalProperties":
                if (rule.ValueKind != JsonValueKind.False) throw new NotSupportedException($"additionalProperties: {rule}");
                foreach (var extra in value.EnumerateObject().Where(p => !schema.GetProperty("properties").TryGetProperty(p.Name, out _))) faults.Add($"{where}.{extra.Name} is not allowed");
                break;
            default:
                Limit(keyword, rule, value, where, faults);
                break;
        }
    }

    void Properties(JsonElement rule, JsonElement value, string where, List<string> faults, HashSet<string> declared)
    {
        if (value.ValueKind != JsonValueKind.Object) return;
        foreach (var property in rule.EnumerateObject())
        {
            declared.Add(property.Name);
            if (value.TryGetProperty(property.Name, out var inner)) faults.AddRange(Faults(property.Value, inner, $"{where}.{property.Name}"));
        }
    }

    void OneOf(JsonElement rule, JsonElement value, string where, List<string> faults, HashSet<string> declared)
    {
        var matching = rule.EnumerateArray().Where(option => Faults(option, value, where).Count == 0).ToList();
        if (matching.Count == 1) Check(matching[0], value, where, faults, declared);
        else faults.Add($"{where} matches {matching.Count} of {rule}: {string.Join("; ", Faults(rule[rule.GetArrayLength() - 1], value, where))}");
    }

    static void Limit(string keyword, JsonElement rule, JsonElement value, string where, List<string> faults)
    {
        var holds = keyword switch
        {
            "pattern" => value.ValueKind != JsonValueKind.String || Regex.IsMatch(value.GetString()!, rule.GetString()!),
            "minLength" => value.ValueKind != JsonValueKind.String || value.GetString()!.Length >= rule.GetInt32(),
            "maxLength" => value.ValueKind != JsonValueKind.String || value.GetString()!.Length <= rule.GetInt32(),
            "minimum" => value.ValueKind != JsonValueKind.Number || value.GetDecimal() >= rule.GetDecimal(),
            "maximum" => value.ValueKind != JsonValueKind.Number || value.GetDecimal() <= rule.GetDecimal(),
            _ => throw new NotSupportedException($"The schema keyword {keyword} is not known to this test: teach it."),
        };
        if (!holds) faults.Add($"{where} is {value}, against {keyword} {rule}");
    }

    static IEnumerable<string> Types(JsonElement rule) => rule.ValueKind == JsonValueKind.Array ? rule.EnumerateArray().Select(type => type.GetString()!) : [rule.GetString()!];

    static bool Is(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "number" => value.ValueKind == JsonValueKind.Number,
        "integer" => value.ValueKind == JsonValueKind.Number && long.TryParse(value.GetRawText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        _ => throw new NotSupportedException(type),
    };
}
