using System.Globalization;

namespace Latchkey.Server.Admin.Panel.Integrators;

/// <summary>A program that verifies a license and downloads the product's file, for vendors to paste.</summary>
/// <param name="Id">Ends the template's file name.</param>
/// <param name="Title">The language, for people.</param>
/// <param name="FileName">What to save it as.</param>
/// <param name="Run">How it is started.</param>
sealed record IntegratorTemplate(string Id, string Title, string FileName, string Run)
{
    public static IReadOnlyList<IntegratorTemplate> All { get; } =
    [
        new("curl", "curl", "latchkey.sh", "sh latchkey.sh KEY DOMAIN FILE"),
        new("php", "PHP", "latchkey.php", "php latchkey.php KEY DOMAIN FILE"),
        new("node", "Node", "latchkey.mjs", "node latchkey.mjs KEY DOMAIN FILE"),
        new("python", "Python", "latchkey.py", "python3 latchkey.py KEY DOMAIN FILE"),
        new("csharp", "C#", "Latchkey.cs", "dotnet run Latchkey.cs KEY DOMAIN FILE"),
    ];

    /// <param name="home">This server, as customers reach it; no slash at its end.</param>
    /// <param name="product">Whose licenses and file.</param>
    public string Fill(string home, long product)
    {
        using var stream = typeof(IntegratorTemplate).Assembly.GetManifestResourceStream("integrators/" + FileName)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd()
            .Replace("__URL__", home, StringComparison.Ordinal)
            .Replace("__PRODUCT_ID__", product.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }
}
