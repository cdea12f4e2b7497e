using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace Latchkey.Server.Http;

/// <summary>What the log says of a refused request, beside what the client is told.</summary>
sealed record RefusalNote(Refusal Refusal, long? License, string? Domain, long? Product);

/// <summary>Writes a whole answer at once, with its length: JSON for a success, the envelope for a refusal.</summary>
static class Answer
{
    const string JsonType = "application/json";
    const string ProblemType = "application/problem+json";

    [ThreadStatic] static ArrayBufferWriter<byte>? _buffer;
    [ThreadStatic] static Utf8JsonWriter? _json;

    /// <summary>200 with what <paramref name="write"/> puts into <c>data</c>.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="message">The envelope's.</param>
    /// <param name="value">What is written.</param>
    /// <param name="write">Writes it.</param>
    /// <param name="isTagged">With an entity tag of the whole answer; 304 to whom has it already.</param>
    public static Task Success<T>(HttpContext context, string message, T value, Action<Utf8JsonWriter, T> write, bool isTagged = false)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1024);
        var json = _json ??= new Utf8JsonWriter(Stream.Null, Wire.Json);
        buffer.ResetWrittenCount();
        json.Reset(buffer);
        json.WriteStartObject();
        json.WriteBoolean("success"u8, true);
        json.WriteString("message"u8, message);
        json.WriteStartObject("data"u8);
        write(json, value);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return isTagged && IsKnown(context, buffer.WrittenSpan) ? Task.CompletedTask : Send(context.Response, 200, JsonType, buffer.WrittenSpan);
    }

    /// <summary>RFC 9110, section 13.1.2: tags are compared without their weakness.</summary>
    static bool IsKnown(HttpContext context, ReadOnlySpan<byte> body)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, hash);
        var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(hash[..16])}\"");
        context.Response.Headers.ETag = tag.ToString();
        if (!EntityTagHeaderValue.TryParseList(context.Request.Headers.IfNoneMatch, out var known)) return false;
        if (!known.Any(other => other.Equals(EntityTagHeaderValue.Any) || other.Compare(tag, useStrongComparison: false))) return false;
        context.Response.StatusCode = StatusCodes.Status304NotModified;
        return true;
    }

    /// <param name="context">Of the request that is refused.</param>
    /// <param name="refusal">What the client is told.</param>
    /// <param name="license">The license it was about, if known; for the log.</param>
    /// <param name="domain">The canonical domain it was about, if known; for the log.</param>
    /// <param name="product">The product it named, if known; for the log.</param>
    public static Task Refuse(HttpContext context, Refusal refusal, long? license = null, string? domain = null, long? product = null)
    {
        var response = context.Response;
        var headers = response.Headers;
        headers["X-Error-Code"] = refusal.Code;
        if (refusal.Challenge is { } challenge) headers.WWWAuthenticate = challenge;
        if (refusal.Allow is { } allow) headers.Allow = allow;
        if (refusal.RetryAfter is { } seconds && headers.RetryAfter.Count == 0)
        {
            headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        context.Items[typeof(RefusalNote)] = new RefusalNote(refusal, license, domain, product);
        return WantsProblem(context.Request)
            ? Send(response, refusal.Status, ProblemType, Problem(context, refusal))
            : Send(response, refusal.Status, JsonType, refusal.Body);
    }

    /// <summary>Whoever asks for it, and everybody on the admin API.</summary>
    static bool WantsProblem(HttpRequest request)
    {
        if (request.Path.StartsWithSegments("/api/admin")) return true;
        foreach (var accept in request.Headers.Accept)
        {
            if (accept is not null && accept.Contains(ProblemType, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    /// <summary>RFC 9457: the same facts under the names that the RFC gives them, and the envelope's own beside.</summary>
    static byte[] Problem(HttpContext context, Refusal refusal)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(buffer, Wire.Json);
        json.WriteStartObject();
        json.WriteString("type", "about:blank");
        json.WriteString("title", Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(refusal.Status));
        json.WriteNumber("status", refusal.Status);
        json.WriteString("detail", refusal.Message);
        json.WriteBoolean("success", false);
        json.WriteString("message", refusal.Message);
        json.WriteString("error_code", refusal.Code);
        json.WriteString("code", refusal.Code);
        json.WriteString("request_id", context.TraceIdentifier);
        if (refusal.Fields.Count > 0) WriteFields(json, refusal.Fields);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    static void WriteFields(Utf8JsonWriter json, IReadOnlyList<Data.FieldFault> fields)
    {
        json.WriteStartArray("errors");
        foreach (var field in fields)
        {
            json.WriteStartObject();
            json.WriteString(field.Pointer.StartsWith('/') ? "pointer" : "parameter", field.Pointer);
            json.WriteString("detail", field.Detail);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    static Task Send(HttpResponse response, int status, string type, ReadOnlySpan<byte> body)
    {
        response.StatusCode = status;
        response.ContentType = type;
        response.ContentLength = body.Length;
        if (response.HttpContext.Request.Method != HttpMethods.Head) response.BodyWriter.Write(body);
        return Task.CompletedTask;
    }
}
