using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Licenses;

/// <summary>Which licenses; what is null does not matter.</summary>
/// <param name="Search">A number, a key or the last four characters of one, a domain or its beginning; or, for who may read customers, a part of a customer's name, e-mail address or reference.</param>
/// <param name="State"><c>active</c>, <c>suspended</c>, <c>revoked</c>, <c>expired</c>.</param>
sealed record LicenseFilter(
    string? Search = null, long? ProductId = null, long? UserId = null, string? Domain = null, string? State = null,
    DateTimeOffset? ExpiresBefore = null);

/// <summary>Lists of licenses, found by what a customer on the phone can tell. Every condition is met by an index.</summary>
sealed class LicenseList(UnitOfWork work)
{
    // So many licenses with the same end are enough to see that something else must be asked for.
    const int MaxCandidates = 1000;

    LatchkeyDb Db => work.Db;

    /// <param name="filter">Which.</param>
    /// <param name="page">Sorted by <c>-id</c>, <c>id</c>; or <c>expires_at</c>, <c>-expires_at</c>: those that expire alone.</param>
    public Page<LicenseView> Read(LicenseFilter filter, PageRequest page)
    {
        work.Require(Permission.LicensesRead);
        var sort = page.Check("-id", "id", "expires_at", "-expires_at");
        var licenses = Sorted(Matching(filter), sort, page.After()).Take(page.Limit + 1);
        return page.Cut(LicenseView.Read(work, licenses), view => view.Id,
            sort.EndsWith("expires_at", StringComparison.Ordinal) ? view => MicrosOf(view.ExpiresAt!) : null);
    }

    /// <summary>All of them by id, in parts that are read as they are asked for; the audit trail notes it.</summary>
    /// <exception cref="OperationException">The filter names what cannot be.</exception>
    public IEnumerable<IReadOnlyList<LicenseView>> Export(LicenseFilter filter)
    {
        work.Require(Permission.LicensesRead);
        Matching(filter);
        work.RecordExport("license.export", filter with { Search = null }, filter.Search is not null);
        return Batches(filter);
    }

    /// <summary>All of them by id.</summary>
    public IEnumerable<LicenseView> All(LicenseFilter filter)
    {
        work.Require(Permission.LicensesRead);
        return Batches(filter).SelectMany(part => part);
    }

    IEnumerable<IReadOnlyList<LicenseView>> Batches(LicenseFilter filter)
    {
        for (long after = 0; ;)
        {
            var part = LicenseView.Read(work, Matching(filter).Where(l => l.Id > after).OrderBy(l => l.Id).Take(CsvParts.Rows));
            if (part.Count > 0) yield return part;
            if (part.Count < CsvParts.Rows) yield break;
            after = part[^1].Id;
        }
    }

    static string MicrosOf(string time) =>
        UnixMicroseconds.From(DateTimeOffset.Parse(time, CultureInfo.InvariantCulture)).ToString(CultureInfo.InvariantCulture);

    static IQueryable<License> Sorted(IQueryable<License> licenses, string sort, (string Value, long Id)? after)
    {
        if (sort == "id") return (after is { Id: var first } ? licenses.Where(l => l.Id > first) : licenses).OrderBy(l => l.Id);
        if (sort == "-id") return (after is { Id: var last } ? licenses.Where(l => l.Id < last) : licenses).OrderByDescending(l => l.Id);
        licenses = licenses.Where(l => l.ExpiresAt != null);
        var isRising = sort == "expires_at";
        if (after is { } place)
        {
            var (time, id) = (PageRequest.TimeOf(place.Value), place.Id);
            licenses = isRising
                ? licenses.Where(l => l.ExpiresAt >= time && (l.ExpiresAt > time || l.Id > id))
                : licenses.Where(l => l.ExpiresAt <= time && (l.ExpiresAt < time || l.Id < id));
        }

        return isRising ? licenses.OrderBy(l => l.ExpiresAt).ThenBy(l => l.Id) : licenses.OrderByDescending(l => l.ExpiresAt).ThenByDescending(l => l.Id);
    }

    /// <exception cref="OperationException">The filter names what cannot be.</exception>
    public IQueryable<License> Matching(LicenseFilter filter)
    {
        var licenses = Db.Licenses.AsQueryable();
        if (filter.ProductId is { } product) licenses = licenses.Where(l => l.ProductId == product);
        if (filter.UserId is { } user) licenses = licenses.Where(l => l.UserId == user);
        if (filter.ExpiresBefore is { } before) licenses = licenses.Where(l => l.ExpiresAt < before);
        if (filter.Domain is { Length: > 0 } domain)
        {
            var host = LicenseOperations.RequireDomain(domain, "domain");
            licenses = licenses.Where(l => Db.LicenseDomains.Where(d => d.Host == host).Select(d => d.LicenseId).Contains(l.Id));
        }

        if (filter.State is { Length: > 0 } state) licenses = InState(licenses, state);
        return string.IsNullOrWhiteSpace(filter.Search) ? licenses : Found(licenses, filter.Search.Trim());
    }

    IQueryable<License> InState(IQueryable<License> licenses, string state)
    {
        var now = work.Now;
        return state switch
        {
            "active" => licenses.Where(l => l.State == LicenseState.Active && (l.ExpiresAt == null || l.ExpiresAt > now)),
            "expired" => licenses.Where(l => l.State == LicenseState.Active && l.ExpiresAt <= now),

            // Said twice, since the index of the few that are not active is found by the first.
            "suspended" => licenses.Where(l => l.State != LicenseState.Active && l.State == LicenseState.Suspended),
            "revoked" => licenses.Where(l => l.State != LicenseState.Active && l.State == LicenseState.Revoked),
            _ => throw OperationException.Invalid("state", "state must be one of active, suspended, revoked, expired."),
        };
    }

    /// <summary>The union of what each reading of the text finds.</summary>
    IQueryable<License> Found(IQueryable<License> licenses, string text)
    {
        var ids = ByKey(text).AsQueryable();
        IQueryable<long> found = Db.Licenses.Where(l => ids.Contains(l.Id)).Select(l => l.Id);
        if (long.TryParse(text.StartsWith('#') ? text[1..] : text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            found = found.Union(Db.Licenses.Where(l => l.Id == number).Select(l => l.Id)).Union(Db.Licenses.Where(l => l.UserId == number).Select(l => l.Id));
        }

        if (HostRange(text) is var (from, to)) found = found.Union(Db.LicenseDomains.Where(d => d.Host.CompareTo(from) >= 0 && d.Host.CompareTo(to) < 0).Select(d => d.LicenseId));
        if (work.Actor.May(Permission.CustomersRead))
        {
            var like = LikePattern.Containing(text);
            var customers = Db.Customers.Where(c => EF.Functions.Like(LatchkeyDb.Lower(c.Name), like, LikePattern.Escape) || EF.Functions.Like(LatchkeyDb.Lower(c.Email), like, LikePattern.Escape) || EF.Functions.Like(LatchkeyDb.Lower(c.Reference), like, LikePattern.Escape)).Select(c => (long?)c.Id);
            found = found.Union(Db.Licenses.Where(l => customers.Contains(l.UserId)).Select(l => l.Id));
        }

        return licenses.Where(l => found.Contains(l.Id));
    }

    /// <summary>All hosts that begin with the text; a whole address counts as its host.</summary>
    static (string From, string To)? HostRange(string text)
    {
        var host = CanonicalHost.OfPattern(text) ?? text.ToLowerInvariant();
        return host.Length is 0 or > CanonicalHost.MaxLength || host.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('.' or '-' or '*' or ':')) ? null : (host, host + "~");
    }

    /// <summary>
    /// A whole key, now or before a rotation; or the end of one. Only the characters that lists show are compared,
    /// however many were typed: else a key could be found out letter by letter, by watching what a search still finds.
    /// </summary>
    List<long> ByKey(string text)
    {
        var hash = work.Secrets.Hash(text);
        var whole = Db.Licenses.Where(l => l.KeyHash == hash).Select(l => l.Id).Union(Db.RetiredKeys.Where(k => k.KeyHash == hash).Select(k => k.LicenseId)).ToList();
        var fragment = text.TrimStart('.', '…', '*', '•').ToUpperInvariant();
        if (whole.Count > 0 || fragment.Length < 2 || !fragment.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')) return whole;
        const int shown = LicenseKey.MaxSuffix;

        // Keys of our own show four characters, and capitals; short ones that were brought show fewer, of any case.
        var ends = Enumerable.Range(1, Math.Min(shown, fragment.Length)).Where(n => n == shown || fragment.Length <= shown)
            .SelectMany(n => new[] { fragment[^n..], text[^n..] }).Distinct().ToList();
        var found = fragment.Length < shown
            ? Db.Licenses.Where(l => l.KeySuffix.EndsWith(fragment) || ends.Contains(l.KeySuffix))
            : Db.Licenses.Where(l => ends.Contains(l.KeySuffix));
        return [.. found.OrderByDescending(l => l.Id).Take(MaxCandidates).Select(l => l.Id)];
    }
}
