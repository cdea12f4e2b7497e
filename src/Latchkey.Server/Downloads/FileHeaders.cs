using Latchkey.Server.Products;

namespace Latchkey.Server.Downloads;

/// <summary>What the answer says of the file.</summary>
static class FileHeaders
{
    public static void Set(HttpResponse response, Artifact file)
    {
        var headers = response.Headers;
        response.ContentType = file.ContentType;
        headers.ContentDisposition = Disposition(file);
        headers.AcceptRanges = "bytes";
        headers.ETag = ETag(file);
        headers["Repr-Digest"] = $"sha-256=:{Convert.ToBase64String(file.Sha256)}:";
    }

    public static string Disposition(Artifact file) => $"attachment; filename=\"{Ascii(file.FileName)}\"; filename*=UTF-8''{Uri.EscapeDataString(file.FileName)}";

    public static string ETag(Artifact file) => $"\"{Convert.ToHexStringLower(file.Sha256)}\"";

    /// <summary>For clients that know no <c>filename*</c>: letters, digits and <c>._-+()</c> as they are, all else as <c>_</c>; no leading dot.</summary>
    public static string Ascii(string name)
    {
        var plain = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '+' or '(' or ')' or ' ' ? c : '_'));
        plain = plain.Trim(' ').TrimStart('.');
        return plain.Length == 0 ? "download" : plain;
    }
}
