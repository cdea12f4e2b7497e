using System.Text.Json.Serialization;
using Latchkey.Server.Http;

namespace Latchkey.Server.Licenses;

sealed record LastSeenView(string At, string Address, string Domain, string Outcome);

/// <summary>A license as an operator sees it. <c>license_key</c> is left out of lists.</summary>
sealed record LicenseView(
    long Id, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? LicenseKey, long ProductId, string ProductName, long? UserId, bool IsActive, string State,
    IReadOnlyList<string> Domains, int MaxDomains, string? ExpiresAt, string CreatedAt, string? LastRotated, LastSeenView? LastSeen)
{
    public static LicenseView Of(License license, string? key, DateTimeOffset now)
    {
        var state = license switch
        {
            { State: LicenseState.Suspended } => "suspended",
            { State: LicenseState.Revoked } => "revoked",
            { ExpiresAt: { } expires } when expires <= now => "expired",
            _ => "active",
        };
        var seen = license.LastSeen;
        return new LicenseView(
            license.Id, key, license.ProductId, license.Product!.Name, license.UserId, state == "active", state,
            [.. license.Domains.Select(d => d.Host).Order(StringComparer.Ordinal)], license.MaxDomains,
            Time(license.ExpiresAt), Wire.Micros(license.CreatedAt), Time(license.LastRotated),
            seen is null ? null : new LastSeenView(Wire.Micros(seen.At), seen.Address, seen.Domain, seen.Outcome));
    }

    static string? Time(DateTimeOffset? time) => time is { } at ? Wire.Micros(at) : null;
}
