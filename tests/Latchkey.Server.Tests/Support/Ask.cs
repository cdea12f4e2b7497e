using System.Net.Http.Headers;
using System.Text.Json;

namespace Latchkey.Server.Tests.Support;

/// <summary>An answer, read to its end.</summary>
sealed record Reply(int Status, HttpResponseHeaders Headers, HttpContentHeaders Content, byte[] Bytes)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Bytes);
    public JsonElement Json => JsonDocument.Parse(Bytes).RootElement;
    public string? Code => Header("X-Error-Code");
    public string? Header(string name) => Headers.TryGetValues(name, out var values) || Content.TryGetValues(name, out values) ? string.Join(", ", values) : null;
}

/// <summary>Requests as clients in the field send them.</summary>
static class Ask
{
    public const string VerifyPath = "/api/license/verify";
    public const string MintPath = "/api/license/download";

    public static HttpRequestMessage Request(HttpMethod method, string path, string? key, string? domain, object? product)
    {
        var request = new HttpRequestMessage(method, path);
        if (key is not null) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        if (domain is not null) request.Headers.TryAddWithoutValidation("X-Domain", domain);
        if (product is not null) request.Headers.TryAddWithoutValidation("X-Product-ID", Convert.ToString(product, System.Globalization.CultureInfo.InvariantCulture));
        return request;
    }

    public static Task<Reply> Verify(this HttpClient http, string? key, string? domain, object? product) =>
        http.Read(Request(HttpMethod.Get, VerifyPath, key, domain, product));

    public static Task<Reply> Mint(this HttpClient http, string? key, string? domain, object? product) =>
        http.Read(Request(HttpMethod.Post, MintPath, key, domain, product));

    /// <returns>The path of the minted link.</returns>
    public static async Task<string> MintPathOf(this HttpClient http, string key, string domain, long product)
    {
        var reply = await http.Mint(key, domain, product);
        Assert.Equal(200, reply.Status);
        return new Uri(reply.Json.GetProperty("data").GetProperty("download_url").GetString()!).AbsolutePath;
    }

    public static Task<Reply> Get(this HttpClient http, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return http.Read(request);
    }

    public static async Task<Reply> Read(this HttpClient http, HttpRequestMessage request)
    {
        using (request)
        {
            using var response = await http.SendAsync(request);
            return new Reply((int)response.StatusCode, response.Headers, response.Content.Headers, await response.Content.ReadAsByteArrayAsync());
        }
    }
}
