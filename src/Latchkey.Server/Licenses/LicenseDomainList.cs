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
    // Below a wildcard there may be any number of hosts: of those seen last it is told.
    const int MostHosts = 500;

    public IReadOnlyList<BoundDomain> Of(long license)
    {
        work.Require(Permission.LicensesRead);
        var bound = work.Db.LicenseDomains.AsNoTracking().Where(d => d.LicenseId == license).OrderBy(d => d.Host).ToList();
        var granted = work.Db.Activity.Where(a => a.LicenseId == license && a.Outcome == ActivityOutcome.Ok && a.Kind != ActivityKind.Download);
        var exact = Seen(granted.Where(a => work.Db.LicenseDomains.Any(d => d.LicenseId == license && d.Host == a.Domain))).ToDictionary(seen => seen.Host, seen => seen.At);
        var below = bound.Exists(domain => IsWildcard(domain.Host)) ? Seen(granted, MostHosts).ToList() : [];
        return [.. bound.Select(domain =>
        {
            var last = !IsWildcard(domain.Host) ? exact.TryGetValue(domain.Host, out var at) ? new SeenHost(domain.Host, at) : null
                : below.Find(seen => CanonicalHost.Covers(domain.Host, seen.Host));
            return new BoundDomain(domain.Host, Wire.Micros(domain.BoundAt), last is null ? null : Wire.Micros(last.At), last?.Host);
        })];
    }

    sealed record SeenHost(string Host, DateTimeOffset At);

    static bool IsWildcard(string host) => host.StartsWith("*.", StringComparison.Ordinal);

    /// <summary>The last first.</summary>
    static IEnumerable<SeenHost> Seen(IQueryable<ActivityRow> rows, int most = int.MaxValue) =>
        rows.GroupBy(a => a.Domain).Select(same => new { Host = same.Key, At = same.Max(a => a.LastAt) }).OrderByDescending(row => row.At).Take(most)
            .AsEnumerable().Select(row => new SeenHost(row.Host, row.At));
}
