using Microsoft.AspNetCore.StaticFiles;

namespace Latchkey.Server.Products;

/// <summary>Names of published files: what the customer's browser saves them as.</summary>
static class FileNames
{
    static readonly FileExtensionContentTypeProvider Types = new()
    {
        Mappings = { [".zip"] = "application/zip", [".phar"] = "application/octet-stream", [".gz"] = "application/gzip" },
    };

    public static string ContentType(string name) =>
        Types.TryGetContentType(name, out var type) ? type : "application/octet-stream";

    /// <returns>What is wrong with it, or null.</returns>
    public static string? Fault(string name)
    {
        if (name.Length is 0 or > 200) return "must be 1 to 200 characters long";
        if (name is "." or "..") return "must name a file";
        if (name.AsSpan().ContainsAny('/', '\\')) return "must not contain / or \\";
        return name.Any(IsInvisible) ? "must not contain control or direction characters" : null;
    }

    /// <summary>Also the marks that turn the reading direction, which make "exe.zip" out of "piz.exe"; and lone surrogates.</summary>
    static bool IsInvisible(char c) =>
        char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format
            or System.Globalization.UnicodeCategory.LineSeparator or System.Globalization.UnicodeCategory.ParagraphSeparator;
}
