using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Latchkey.Server.Http;

/// <summary>The fields of a request's body that mean something, JSON or form, as the texts they stand for.</summary>
readonly record struct RequestFields(IReadOnlyDictionary<string, StringValues>? Values, Refusal? Refused)
{
    public static readonly RequestFields None;

    /// <summary>Each with whether a JSON number is as good as a text.</summary>
    static readonly (string Name, bool OrNumber)[] Known =
        [("domain", false), ("product_id", true), ("version", true), ("channel", false), ("platform", false), ("arch", false), ("kind", false)];

    /// <summary>Of the whole body, in bytes.</summary>
    public const int MaxBody = 16 * 1024;

    static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    public StringValues this[string name] => Values?.GetValueOrDefault(name) ?? default;

    public static async ValueTask<RequestFields> Read(HttpRequest request)
    {
        var kind = KindOf(request.ContentType);
        var bytes = await ReadAll(request);
        if (IsBlank(bytes)) return None;
        return kind switch
        {
            Kind.Json => Json(bytes),
            Kind.Multipart => await Form(request, bytes),

            // curl -d sends JSON under the type of a form: what it holds decides.
            Kind.Form => LooksLikeJson(bytes) ? Json(bytes) : await Form(request, bytes),
            _ => new RequestFields(null, Wire.UnsupportedMediaType),
        };
    }

    enum Kind { Json, Form, Multipart, Other }

    static Kind KindOf(string? contentType)
    {
        if (string.IsNullOrWhiteSpace(contentType)) return Kind.Form;
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type)) return Kind.Other;
        if (type.MatchesMediaType("application/json") || type.MatchesMediaType("text/json") || type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase)) return Kind.Json;
        if (type.MatchesMediaType("application/x-www-form-urlencoded")) return Kind.Form;
        return type.MatchesMediaType("multipart/form-data") ? Kind.Multipart : Kind.Other;
    }

    static async ValueTask<ReadOnlyMemory<byte>> ReadAll(HttpRequest request)
    {
        if (request.ContentLength > MaxBody) throw new BadHttpRequestException("too large", 413);
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(request.HttpContext.RequestAborted);
            if (read.Buffer.Length > MaxBody)
            {
                request.BodyReader.AdvanceTo(read.Buffer.End);
                throw new BadHttpRequestException("too large", 413);
            }

            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                request.BodyReader.AdvanceTo(read.Buffer.End);
                return bytes;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    static ReadOnlySpan<byte> Trimmed(ReadOnlyMemory<byte> bytes)
    {
        var span = bytes.Span;
        if (span.StartsWith("\uFEFF"u8)) span = span[3..];
        return span.Trim(" \t\r\n"u8);
    }

    static bool IsBlank(ReadOnlyMemory<byte> bytes) => Trimmed(bytes).IsEmpty;

    static bool LooksLikeJson(ReadOnlyMemory<byte> bytes) => Trimmed(bytes)[0] is (byte)'{' or (byte)'[';

    static RequestFields Json(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(Trimmed(bytes).ToArray(), Strict);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return Unreadable("The request body must be a JSON object");
            return new RequestFields(Known.ToDictionary(field => field.Name, field => Text(root, field.Name, field.OrNumber)), null);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            return Unreadable("The request body is not valid JSON: it must be one object, at most 8 levels deep, each name once");
        }
    }

    /// <summary>
    /// A number keeps its JSON spelling; what is neither text nor number becomes one that no rule accepts,
    /// so that a wrong type is refused as a wrong value.
    /// </summary>
    static StringValues Text(JsonElement root, string name, bool orNumber) =>
        !root.TryGetProperty(name, out var value) ? default : value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Null => default,
            JsonValueKind.Number when orNumber => value.GetRawText(),
            _ => "\0" + value.GetRawText(),
        };

    static async ValueTask<RequestFields> Form(HttpRequest request, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var stream = new MemoryStream(bytes.ToArray(), writable: false);
            return new RequestFields(await Fields(request, stream), null);
        }
        catch (Exception failure) when (failure is InvalidDataException or IOException or NotSupportedException or ArgumentException)
        {
            return Unreadable("The request body is not a valid form");
        }
    }

    static async ValueTask<Dictionary<string, StringValues>> Fields(HttpRequest request, Stream stream)
    {
        using var reader = new FormReader(stream);
        if (KindOf(request.ContentType) != Kind.Multipart) return await reader.ReadFormAsync(request.HttpContext.RequestAborted);
        request.Body = stream;
        var form = await new Microsoft.AspNetCore.Http.Features.FormFeature(request).ReadFormAsync(request.HttpContext.RequestAborted);
        return form.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.OrdinalIgnoreCase);
    }

    static RequestFields Unreadable(string sentence) => new(null, Wire.InvalidRequest(sentence));
}
