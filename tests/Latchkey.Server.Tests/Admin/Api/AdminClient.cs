using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Tests.ApiDocs;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>A program with an API key. Whatever it is answered is held against the document.</summary>
sealed class AdminClient(TestServer server, string? key, HttpClient? http = null)
{
    public const string Root = "/api/admin";

    public string? Key => key;

    public Task<Reply> Get(string path, params (string Name, string Value)[] headers) => Send("GET", path, null, headers);
    public Task<Reply> Post(string path, object? body = null, params (string Name, string Value)[] headers) => Send("POST", path, body, headers);
    public Task<Reply> Patch(string path, object body, params (string Name, string Value)[] headers) => Send("PATCH", path, body, headers);
    public Task<Reply> Delete(string path, params (string Name, string Value)[] headers) => Send("DELETE", path, null, headers);
    public Task<Reply> Put(string path, byte[] file, params (string Name, string Value)[] headers) => Send("PUT", path, new ByteArrayContent(file), headers);

    /// <param name="method">Of HTTP.</param>
    /// <param name="path">Below <see cref="Root"/>.</param>
    /// <param name="body">JSON as a text, a value to make JSON of, or a content as it is.</param>
    /// <param name="headers">More of them.</param>
    public async Task<Reply> Send(string method, string path, object? body = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), Root + path) { Content = Content(body) };
        if (key is not null) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content?.Headers.TryAddWithoutValidation(name, value);
        }

        var reply = await (http ?? server.Http).Read(request);
        await Check(method, Root + path.Split('?')[0], reply);
        return reply;
    }

    static HttpContent? Content(object? body) => body switch
    {
        null => null,
        HttpContent content => content,
        string text => new StringContent(text, Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
        _ => new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
    };

    async Task Check(string method, string path, Reply reply)
    {
        var document = await ApiDocument.Of(server, "admin");
        if (document.Find(method, path) is { } operation)
        {
            var faults = document.Faults(operation, method, reply);
            Assert.True(faults.Count == 0, $"{method} {path} answered {reply.Status}:\n{string.Join('\n', faults)}");
        }
        else
        {
            Assert.True(reply.Status is 401 or 404 or 405 or 429, $"{method} {path} is in no document, and answered {reply.Status}");
        }

        if (reply.Status < 400 || method == "HEAD") return;
        Assert.Equal("application/problem+json", reply.Content.ContentType?.MediaType);
        Assert.Equal((reply.Status, reply.Code, reply.Code, reply.Header("X-Request-ID")), (
            reply.Json.GetProperty("status").GetInt32(), reply.Json.GetProperty("code").GetString(), reply.Json.GetProperty("error_code").GetString(), reply.Json.GetProperty("request_id").GetString()));
    }
}

static class AdminAccess
{
    /// <summary>A client that may do everything.</summary>
    public static AdminClient Admin(this TestServer server) => server.Admin([.. Permission.All]);

    public static AdminClient Admin(this TestServer server, params string[] scopes) => new(server, server.MakeKey(scopes).Key);

    public static ApiKeyView MakeKey(this TestServer server, string[] scopes, string[]? networks = null, DateTimeOffset? expires = null) =>
        server.Work(work => new ApiKeyOperations(work).Add(new NewApiKey("Test", scopes, networks, expires)));

    /// <summary>A refusal, with the codes and the field it points to.</summary>
    public static void Refuses(this Reply reply, int status, string code, string? field = null)
    {
        Assert.True((reply.Status, reply.Code) == (status, code), $"{reply.Status} {reply.Text} instead of {status} {code}");
        if (field is not null) Assert.Contains(field, reply.Fields());
    }

    public static string[] Fields(this Reply reply) =>
        reply.Json.TryGetProperty("errors", out var errors) ? [.. errors.EnumerateArray().Select(error => (error.TryGetProperty("pointer", out var pointer) ? pointer : error.GetProperty("parameter")).GetString()!)] : [];

    public static Reply Ok(this Reply reply, int status = 200)
    {
        Assert.True(reply.Status == status, $"{reply.Status} {reply.Text} instead of {status}");
        return reply;
    }

    public static JsonElement[] Items(this Reply reply) => [.. reply.Ok().Json.GetProperty("items").EnumerateArray()];

    public static long[] Ids(this Reply reply) => [.. reply.Items().Select(item => item.Id())];

    public static string? NextCursor(this Reply reply) => reply.Json.GetProperty("next_cursor").GetString();
}
