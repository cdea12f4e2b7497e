using System.Text.Json.Serialization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Http;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Licenses;

public sealed record LastSeenView(string At, string Address, string Domain, string Outcome);

/// <summary>
/// A license as an operator sees it. <c>license_key</c> is there only where the key was asked for, or made.
/// <c>overlap_until</c>: a key it had before works until then too. <c>updates_until</c>: it may have what was
/// published up to then; null is everything. <c>customer_name</c> is null for who may not read customers.
/// </summary>
public sealed record LicenseView(
    long Id, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), OutsideState] string? LicenseKey, string KeySuffix,
    long ProductId, string ProductName, long? UserId, [property: OutsideState] string? CustomerName, bool IsActive, string State,
    IReadOnlyList<string> Domains, int MaxDomains, string? ExpiresAt, string? UpdatesUntil, string Channel, string CreatedAt, string? LastRotated, string? OverlapUntil,
    [property: OutsideState] LastSeenView? LastSeen) : IResource
{
    /// <summary>In the order of the query; one more statement for the customers' names.</summary>
    internal static List<LicenseView> Read(UnitOfWork work, IQueryable<License> licenses)
    {
        var (db, now) = (work.Db, work.Now);
        var rows = licenses.Include(l => l.Product).Include(l => l.Domains).Include(l => l.LastSeen).AsNoTracking().AsSplitQuery().ToList();
        var ids = rows.Select(l => l.Id).ToList();
        var users = !work.Actor.May(Permission.CustomersRead) ? [] : rows.Select(l => l.UserId).OfType<long>().Distinct().ToList();
        var names = db.Customers.Where(c => users.Contains(c.Id)).Select(c => new { c.Id, c.Name }).ToDictionary(c => c.Id, c => c.Name);
        var overlaps = db.RetiredKeys.Where(k => ids.Contains(k.LicenseId) && k.GoodUntil > now).Select(k => new { k.LicenseId, k.GoodUntil }).ToLookup(k => k.LicenseId, k => k.GoodUntil);
        return [.. rows.Select(l => Of(l, l.UserId is { } user ? names.GetValueOrDefault(user) : null, overlaps[l.Id].Select(t => (DateTimeOffset?)t).Max(), now))];
    }

    static LicenseView Of(License license, string? customer, DateTimeOffset? overlap, DateTimeOffset now)
    {
        var state = StateOf(license.State, license.ExpiresAt, now);
        var seen = license.LastSeen;
        return new LicenseView(
            license.Id, null, license.KeySuffix, license.ProductId, license.Product!.Name, license.UserId, customer, state == "active", state,
            [.. license.Domains.Select(d => d.Host).Order(StringComparer.Ordinal)], license.MaxDomains,
            Time(license.ExpiresAt), Time(license.UpdatesUntil), license.Channel ?? Products.Channel.Stable, Wire.Micros(license.CreatedAt), Time(license.LastRotated), Time(overlap),
            seen is null ? null : new LastSeenView(Wire.Micros(seen.At), seen.Address, seen.Domain, seen.Outcome));
    }

    /// <summary><c>active</c>, <c>suspended</c>, <c>revoked</c> or <c>expired</c>.</summary>
    internal static string StateOf(LicenseState state, DateTimeOffset? expiresAt, DateTimeOffset now) => state switch
    {
        LicenseState.Suspended => "suspended",
        LicenseState.Revoked => "revoked",
        _ when expiresAt <= now => "expired",
        _ => "active",
    };

    static string? Time(DateTimeOffset? time) => time is { } at ? Wire.Micros(at) : null;
}
