using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Activity;

/// <summary>What happened with one license: one row for as often as it was the same.</summary>
public sealed record ActivityView(string Kind, string Outcome, string Domain, string Address, string FirstAt, string LastAt, long Count);

/// <summary>Reads the activity.</summary>
sealed class Statistics(UnitOfWork work)
{
    /// <summary>Newest first.</summary>
    public Page<ActivityView> LicenseActivity(long license, PageRequest page)
    {
        work.Require(Permission.LicensesRead);
        page.Check("-last_at");
        var rows = work.Db.Activity.AsNoTracking().Where(a => a.LicenseId == license);
        if (page.After() is { } after)
        {
            var (time, id) = (PageRequest.TimeOf(after.Value), after.Id);
            rows = rows.Where(a => a.LastAt < time || (a.LastAt == time && a.Id < id));
        }

        var read = rows.OrderByDescending(a => a.LastAt).ThenByDescending(a => a.Id).Take(page.Limit + 1).ToList();
        var cut = page.Cut(read, row => row.Id, row => UnixMicroseconds.From(row.LastAt).ToString(System.Globalization.CultureInfo.InvariantCulture));
        return new Page<ActivityView>([.. cut.Items.Select(View)], cut.NextCursor);
    }

    static ActivityView View(ActivityRow row) => new(
        row.Kind.ToString().ToLowerInvariant(), row.Outcome, row.Domain, row.Address, Wire.Micros(row.FirstAt), Wire.Micros(row.LastAt), row.Count);
}

static class ActivityOutcome
{
    public const string Ok = "OK";
    public const string Interrupted = "INTERRUPTED";
    public const string Partial = "PARTIAL";
}
