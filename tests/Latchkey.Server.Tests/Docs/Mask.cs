using System.Text.RegularExpressions;

namespace Latchkey.Server.Tests.Docs;

/// <summary>Takes out of a text what differs from run to run, so that the rest can be compared.</summary>
static partial class Mask
{
    public static string Of(string text)
    {
        text = Times().Replace(text, "<time>");
        text = LongHex().Replace(text, "<64 hex>");
        text = Keys().Replace(text, "<key>");
        text = ApiKeys().Replace(text, "lka_<key>");
        text = Ends().Replace(text, "…<end>");
        text = Suffixes().Replace(text, "\"key_suffix\": \"<end>\"");
        text = Sizes().Replace(text, "<n> MiB");
        text = Sqlite().Replace(text, "SQLite <version>");
        return text;
    }

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{6}|\d{3})Z(?<!T23:59:59\.000000Z)")]
    private static partial Regex Times();

    [GeneratedRegex("[0-9a-f]{64}")]
    private static partial Regex LongHex();

    [GeneratedRegex(@"\b(DEMO|MYPLUGIN|SHOP)_[A-Z0-9]{16}\b")]
    private static partial Regex Keys();

    [GeneratedRegex("lka_(…[A-Za-z0-9]{4}|[A-Za-z0-9]{43})")]
    private static partial Regex ApiKeys();

    [GeneratedRegex("…[A-Z0-9]{4}\\b")]
    private static partial Regex Ends();

    [GeneratedRegex("\"key_suffix\": \"[A-Z0-9]{4}\"")]
    private static partial Regex Suffixes();

    [GeneratedRegex(@"[\d,]+ MiB")]
    private static partial Regex Sizes();

    [GeneratedRegex(@"SQLite \d+\.\d+\.\d+")]
    private static partial Regex Sqlite();
}
