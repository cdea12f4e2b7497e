using CsvHelper;
using Latchkey.Server.Http;

namespace Latchkey.Server.Licenses;

/// <summary>Licenses as a table for other programs.</summary>
static class LicenseCsv
{
    static readonly string[] Titles = ["id", "key_suffix", "product_id", "product_name", "user_id", "customer_name", "state", "domains", "max_domains", "expires_at", "updates_until", "channel", "created_at", "last_rotated", "last_seen_at"];

    public static IEnumerable<string> Of(IEnumerable<IReadOnlyList<LicenseView>> licenses) => CsvParts.Of(Titles, licenses, Write);

    static void Write(CsvWriter csv, LicenseView l)
    {
        csv.WriteField(l.Id);
        csv.WriteField(l.KeySuffix);
        csv.WriteField(l.ProductId);
        csv.WriteField(l.ProductName);
        csv.WriteField(l.UserId);
        csv.WriteField(l.CustomerName);
        csv.WriteField(l.State);
        csv.WriteField(string.Join(' ', l.Domains));
        csv.WriteField(l.MaxDomains);
        foreach (var text in (string?[])[l.ExpiresAt, l.UpdatesUntil, l.Channel, l.CreatedAt, l.LastRotated, l.LastSeen?.At]) csv.WriteField(text);
    }

    /// <summary>The keys of new licenses, which are shown this once.</summary>
    public static string Of(IssuedKeys issued) => string.Concat(CsvParts.Of<IssuedKey>(["license_id", "product_id", "license_key"], [issued.Items], (csv, key) =>
    {
        csv.WriteField(key.Id);
        csv.WriteField(issued.ProductId);
        csv.WriteField(key.LicenseKey);
    }));
}
