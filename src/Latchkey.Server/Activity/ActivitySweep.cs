using Latchkey.Server.Configuration;
using Latchkey.Server.Data;

namespace Latchkey.Server.Activity;

/// <summary>Forgets, every hour, what nobody needs any more. The counts per hour are kept for good.</summary>
sealed partial class ActivitySweep(WriteQueue writes, Leases leases, Settings settings, TimeProvider clock, ILogger<ActivitySweep> log)
    : PeriodicService(TimeSpan.FromHours(1), clock, leases)
{
    // A thousand at a time: no mint waits for long behind it.
    const string DetailsSql = "DELETE FROM activity WHERE id IN (SELECT id FROM activity WHERE first_at < $1 ORDER BY first_at LIMIT 1000)";
    const string AnswersSql = "DELETE FROM idempotent_answers WHERE (actor, key) IN (SELECT actor, key FROM idempotent_answers WHERE created_at < $1 LIMIT 1000)";
    const string SessionsSql = "DELETE FROM operator_sessions WHERE id IN (SELECT id FROM operator_sessions WHERE expires_at < $1 LIMIT 1000)";
    const string InvitationsSql = "DELETE FROM invitations WHERE id IN (SELECT id FROM invitations WHERE expires_at < $1 LIMIT 1000)";

    protected override async Task Do(CancellationToken stopping)
    {
        try
        {
            var now = Now;
            var details = await Delete(DetailsSql, now.AddDays(-settings.Activity.KeepDays), stopping);
            if (details > 0) Swept(details, settings.Activity.KeepDays);
            await Delete(AnswersSql, now.AddDays(-2), stopping);
            await Delete(SessionsSql, now, stopping);
            await Delete(InvitationsSql, now.AddDays(-7), stopping);
        }
        catch (Exception failure)
        {
            // There is another hour.
            NotSwept(failure.Message);
            Failed();
        }
    }

    async Task<int> Delete(string sql, DateTimeOffset before, CancellationToken stopping)
    {
        var (total, deleted) = (0, 0);
        do total += deleted = await writes.Run(sql, UnixMicroseconds.From(before));
        while (deleted > 0 && !stopping.IsCancellationRequested);
        return total;
    }

    [LoggerMessage(62, LogLevel.Information, "Forgot {Count} details of activity of over {Days} days ago")]
    partial void Swept(int count, int days);

    [LoggerMessage(63, LogLevel.Warning, "What is no longer needed was not swept: {Reason}")]
    partial void NotSwept(string reason);
}
