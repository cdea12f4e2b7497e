using System.Text;
using Latchkey.Server.Configuration;

namespace Latchkey.Server.ApiDocs;

/// <summary>
/// The license API's document is written by hand, as its endpoints are: what clients in the field rely on is
/// not made of types that somebody may rename. Tests hold every answer against it.
/// </summary>
static class LicenseDocument
{
    static readonly Lazy<string> Written = new(Read);

    public static byte[] Text(HttpContext context) =>
        Encoding.UTF8.GetBytes(Written.Value.Replace("\"{home}\"", $"\"{Home(context.RequestServices.GetRequiredService<Settings>())}\"", StringComparison.Ordinal));

    /// <summary>Where the paths begin: below the public URL's path, if it has one.</summary>
    public static string Home(Settings settings) => settings.PublicUrl?.AbsolutePath.TrimEnd('/') is { Length: > 0 } path ? path : "/";

    static string Read()
    {
        using var file = typeof(LicenseDocument).Assembly.GetManifestResourceStream("Latchkey.Server.ApiDocs.license.json")!;
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }
}
