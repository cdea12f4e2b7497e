using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Http.Features;

namespace Latchkey.Server.Admin.Api;

/// <summary>A request whose body is a file.</summary>
static class Uploads
{
    public static Upload Of(HttpContext context, string fileName, Settings settings)
    {
        // The store has a limit of its own, told in our words and before the body is read.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        Http.TimedBody.Lift(context);
        var request = context.Request;

        // %2F is the one that routing leaves as it is.
        fileName = fileName.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        return new Upload(request.Body, fileName, request.ContentLength, settings.Admin.MaxUploadBytes, Digest(request));
    }

    /// <summary><c>Repr-Digest: sha-256=:…:</c> (RFC 9530): what the sender says the file is.</summary>
    static byte[]? Digest(HttpRequest request)
    {
        if (request.Headers["Repr-Digest"].ToString() is not { Length: > 0 } header) return null;
        var start = header.IndexOf("sha-256=:", StringComparison.OrdinalIgnoreCase);
        var text = start < 0 ? [] : header.AsSpan(start + 9);
        var end = text.IndexOf(':');
        var hash = new byte[32];
        return end > 0 && Convert.TryFromBase64Chars(text[..end], hash, out var length) && length == 32
            ? hash
            : throw OperationException.Invalid("Repr-Digest", "Repr-Digest must be sha-256=:…: with the file's SHA-256 in base64.");
    }
}
