using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Http;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Licenses;

/// <param name="Host">A canonical host, or <c>*.</c> before one.</param>
/// <param name="BoundAt">Since when.</param>
/// <param name="SeenAt">When a request for it was last granted; null: not in the time that is remembered.</param>
/// <param name="SeenAs">Below a wildcard, the host that it was.</param>
public sealed record BoundDomain(string Host, string BoundAt, string? SeenAt, string? SeenAs);

/// <summary>The domains of a license, and when each was last in use.</summary>
sealed class LicenseDomainList(UnitOfWork work)
{
    // Below a wildcard there may be any number of hosts.
    const int MostHosts = 500;

    public IReadOnlyList<BoundDomain> Of(long license)
    {
        work.Require(Permission.LicensesRead);
        var bound = work.Db.LicenseDomains.AsNoTracking().Where(d => d.LicenseId == license).OrderBy(d => d.Host).ToList();
        var seen = work.Db.Activity.Where(a => a.LicenseId == license && a.Outcome == ActivityOutcome.Ok && a.Kind != ActivityKind.Download)
            .GroupBy(a => a.Domain).Select(rows => new { Host = rows.Key, At = rows.Max(a => a.LastAt) })
            .OrderByDescending(row => row.At).Take(MostHosts).ToList();
        return [.. bound.Select(domain =>
        {
            var last = seen.Find(row => CanonicalHost.Covers(domain.Host, row.Host));
            return new BoundDomain(domain.Host, Wire.Micros(domain.BoundAt), last is null ? null : Wire.Micros(last.At), last?.Host);
        })];
    }
}
