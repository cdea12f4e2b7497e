using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;

namespace Latchkey.Server.Licenses;

/// <summary>Licenses as a table for other programs.</summary>
static class LicenseCsv
{
    static readonly string[] Titles = ["id", "key_suffix", "product_id", "product_name", "user_id", "customer_name", "state", "domains", "max_domains", "expires_at", "updates_until", "channel", "created_at", "last_rotated", "last_seen_at"];

    // What a spreadsheet would take for a formula is escaped.
    static readonly CsvConfiguration Safe = new(CultureInfo.InvariantCulture) { InjectionOptions = InjectionOptions.Escape };

    public static void Write(IEnumerable<LicenseView> licenses, TextWriter target)
    {
        using var csv = new CsvWriter(target, Safe, leaveOpen: true);
        foreach (var title in Titles) csv.WriteField(title);
        csv.NextRecord();
        foreach (var l in licenses)
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
            csv.NextRecord();
        }
    }

    /// <summary>The keys of new licenses, which are shown this once.</summary>
    public static void Write(IssuedKeys issued, TextWriter target)
    {
        using var csv = new CsvWriter(target, Safe, leaveOpen: true);
        foreach (var title in (string[])["license_id", "product_id", "license_key"]) csv.WriteField(title);
        csv.NextRecord();
        foreach (var key in issued.Items)
        {
            csv.WriteField(key.Id);
            csv.WriteField(issued.ProductId);
            csv.WriteField(key.LicenseKey);
            csv.NextRecord();
        }
    }
}
