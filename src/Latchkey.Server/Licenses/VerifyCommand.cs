namespace Latchkey.Server.Licenses;

/// <summary>A verify request as a line for a shell.</summary>
static class VerifyCommand
{
    public const string Path = "/api/license/verify";

    public static string Line(string home, string key, string domain, string product)
    {
        var headers = new List<string> { $"Authorization: Bearer {key}" };
        if (domain.Length > 0) headers.Add($"X-Domain: {domain}");
        if (product.Length > 0) headers.Add($"X-Product-ID: {product}");
        return $"curl -i {string.Concat(headers.Select(header => $"-H {Quoted(header)} "))}{Quoted(home + Path)}";
    }

    /// <summary>Nothing in single quotes means anything to a shell but the quote itself.</summary>
    static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
