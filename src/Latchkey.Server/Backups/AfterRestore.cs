using Latchkey.Server.Data;

namespace Latchkey.Server.Backups;

/// <summary>
/// What must not come back with an older copy of a database: links that were used up since, sign-ins that were ended since,
/// invitations that were taken up since. Nobody knows which these are; so all of them are over.
/// </summary>
static class AfterRestore
{
    const string LinksSql = "UPDATE download_tokens SET revoked_at = $1 WHERE spent_at IS NULL AND revoked_at IS NULL";

    static readonly string[] Over = ["DELETE FROM operator_sessions", "DELETE FROM invitations", "DELETE FROM leases", "DELETE FROM backup_results"];

    /// <returns>How many download links could still have been used.</returns>
    public static long Void(Database database, DateTimeOffset now)
    {
        using var connection = database.Open();
        using var session = new WriteSession(database, connection);
        session.Begin();
        var open = (long)session.Scalar("SELECT count(*) FROM download_tokens WHERE spent_at IS NULL AND revoked_at IS NULL AND expires_at > $1", UnixMicroseconds.From(now))!;
        session.Execute(LinksSql, UnixMicroseconds.From(now));
        foreach (var statement in Over) session.Execute(statement);
        session.Commit();
        return open;
    }
}
