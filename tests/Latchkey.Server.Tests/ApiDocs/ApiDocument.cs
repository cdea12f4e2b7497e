using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.ApiDocs;

/// <summary>One method on one path, as a document describes it.</summary>
sealed record Operation(string Id, string Method, string Path, JsonElement Json, bool HeadIsImplied)
{
    public override string ToString() => $"{Method} {Path}";

    public string? Scope => Json.TryGetProperty("security", out var security) && security.GetArrayLength() > 0 && security[0].EnumerateObject().First().Value is { } scopes && scopes.GetArrayLength() > 0 ? scopes[0].GetString() : null;

    public bool Matches(string method, string path) =>
        (method == Method || (method == "HEAD" && HeadIsImplied)) && Regex.IsMatch(path, "^" + Regex.Replace(Path.Replace("{id}", @"-?\d{1,19}"), @"\{\w+\}", "[^/]+") + "/?$", RegexOptions.IgnoreCase);
}

/// <summary>An OpenAPI document, and whether an answer is one that it allows.</summary>
sealed class ApiDocument
{
    static readonly ConcurrentDictionary<string, Lazy<Task<ApiDocument>>> Known = new();

    readonly JsonSchema _schemas;

    ApiDocument(JsonElement root)
    {
        (Root, _schemas) = (root, new JsonSchema(root));
        Operations = [.. root.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(operation => new Operation(
            operation.Value.GetProperty("operationId").GetString()!, operation.Name.ToUpperInvariant(), path.Name, operation.Value,
            operation.Name == "get" && !path.Value.TryGetProperty("head", out _))))];
    }

    public JsonElement Root { get; }
    public IReadOnlyList<Operation> Operations { get; }

    /// <summary>It is the same of every server: read once.</summary>
    public static Task<ApiDocument> Of(TestServer server, string name) => Known.GetOrAdd(name, _ => new(() => Read(server, name))).Value;

    static async Task<ApiDocument> Read(TestServer server, string name)
    {
        using var http = server.Client();
        var reply = await http.Get($"/openapi/{name}.json");
        Assert.Equal((200, "application/json"), (reply.Status, reply.Content.ContentType!.MediaType));
        return new ApiDocument(reply.Json.Clone());
    }

    public Operation? Find(string method, string path) => Operations.FirstOrDefault(operation => operation.Matches(method, path));

    public JsonElement Resolve(JsonElement node) => _schemas.Resolve(node);

    public List<string> Faults(JsonElement schema, JsonElement value) => _schemas.Faults(schema, value);

    /// <returns>What the document does not allow; empty if it allows all of it.</returns>
    public List<string> Faults(Operation operation, string method, Reply reply)
    {
        if (!operation.Json.GetProperty("responses").TryGetProperty(reply.Status.ToString(), out var answer)) return [$"{reply.Status} is not in the document: {reply.Text}"];
        answer = Resolve(answer);
        var faults = Headers(answer, reply);
        if (method == "HEAD" || !answer.TryGetProperty("content", out var content))
        {
            if (reply.Bytes.Length > 0) faults.Add($"a body where none is described: {reply.Text}");
            return faults;
        }

        var type = reply.Content.ContentType?.MediaType ?? "";
        if (content.TryGetProperty("*/*", out _)) return faults;
        if (!content.TryGetProperty(type, out var media)) faults.Add($"{type} is none of {string.Join(", ", content.EnumerateObject().Select(c => c.Name))}");
        else if (type.EndsWith("json", StringComparison.Ordinal)) faults.AddRange(_schemas.Faults(media.GetProperty("schema"), reply.Json));
        return faults;
    }

    List<string> Headers(JsonElement answer, Reply reply)
    {
        var faults = new List<string>();
        foreach (var header in answer.GetProperty("headers").EnumerateObject())
        {
            var described = Resolve(header.Value);
            if (reply.Header(header.Name) is { } value) faults.AddRange(_schemas.Faults(described.GetProperty("schema"), AsJson(value, described.GetProperty("schema")), header.Name));
            else if (described.TryGetProperty("required", out var required) && required.GetBoolean()) faults.Add($"the header {header.Name} is missing");
        }

        string[] telling = ["ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Error-Code", "Idempotency-Replayed", "Content-Disposition", "Allow"];
        faults.AddRange(telling.Where(name => reply.Header(name) is not null && !answer.GetProperty("headers").TryGetProperty(name, out _)).Select(name => $"the header {name} is not described"));
        return faults;
    }

    static JsonElement AsJson(string value, JsonElement schema) =>
        schema.GetProperty("type").GetString() == "integer" ? JsonDocument.Parse(value).RootElement : JsonSerializer.SerializeToElement(value);
}
