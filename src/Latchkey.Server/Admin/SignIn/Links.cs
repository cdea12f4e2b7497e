using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>The one-time links that let a person choose a password. The token is stored hashed, and never logged.</summary>
static class Links
{
    public static readonly TimeSpan SetupLasts = TimeSpan.FromHours(1);
    public static readonly TimeSpan InvitationLasts = TimeSpan.FromDays(7);
    public static readonly TimeSpan ResetLasts = TimeSpan.FromHours(24);

    public static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    public static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    public static string Path(InvitationKind kind, string token) => $"/admin/{kind.ToString().ToLowerInvariant()}/{token}";

    /// <summary>Where a browser finds the server: as the settings say, else where it listens.</summary>
    public static string Home(Settings settings, string? listening = null)
    {
        if (settings.PublicUrl is { } url) return url.AbsoluteUri.TrimEnd('/');
        var first = (listening ?? settings.Urls[0]).TrimEnd('/');
        // By name: browsers have no passkeys for an address.
        foreach (var any in new[] { "//127.0.0.1", "//0.0.0.0", "//[::]", "//*", "//+" }) first = first.Replace(any, "//localhost", StringComparison.Ordinal);
        return first;
    }

    /// <summary>A new setup link, if there is no operator yet; earlier ones end. Without EF Core, which a start has no time for.</summary>
    /// <returns>Its path, or null.</returns>
    public static string? Setup(DataDirectory data, TimeProvider clock)
    {
        using var connection = data.Database.Open();
        if (!NobodyYet(connection)) return null;
        var token = NewToken();
        var now = UnixMicroseconds.From(clock.GetUtcNow());
        using var session = new WriteSession(data.Database, connection);
        session.Begin();
        session.Execute("UPDATE invitations SET expires_at = 0 WHERE kind = 0 AND used_at IS NULL");
        session.Execute(
            "INSERT INTO invitations (token_hash, kind, role, created_by, created_at, expires_at) VALUES ($1, 0, 3, 'latchkey', $2, $3)",
            Hash(token), now, now + (long)SetupLasts.TotalMicroseconds);
        session.Execute("INSERT INTO audit (at, actor_kind, actor_name, action, object_kind) VALUES ($1, 0, 'latchkey', 'operator.setup_link', 'operator')", now);
        session.Commit();
        return Path(InvitationKind.Setup, token);
    }

    static bool NobodyYet(DbConnection connection) => Database.Scalar<long>(connection, "SELECT count(*) FROM operators") == 0;

    /// <summary>Looks, and spends nothing.</summary>
    public static Invitation? Find(LatchkeyDb db, InvitationKind kind, string token, DateTimeOffset now) =>
        Good(db, kind, token, now).AsNoTracking().SingleOrDefault();

    /// <summary>One statement, whose row count decides.</summary>
    public static bool TryClaim(LatchkeyDb db, InvitationKind kind, string token, DateTimeOffset now) =>
        Good(db, kind, token, now).ExecuteUpdate(set => set.SetProperty(i => i.UsedAt, now)) == 1;

    /// <summary>A reset link is for the person as they were when it was made: who gets another role since, or may not sign in, needs another.</summary>
    static IQueryable<Invitation> Good(LatchkeyDb db, InvitationKind kind, string token, DateTimeOffset now)
    {
        var hash = Hash(token);
        return db.Invitations.Where(i =>
            i.TokenHash == hash && i.Kind == kind && i.UsedAt == null && i.ExpiresAt > now && (kind != InvitationKind.Setup || !db.Users.Any())
            && (kind != InvitationKind.Reset || db.Users.Any(o => o.Id == i.OperatorId && o.Role == i.Role && o.Email == i.Email && o.DisabledAt == null)));
    }

    /// <summary>Ends the links that <paramref name="which"/> names, for good: a clock that goes back must not find them alive.</summary>
    public static void End(IQueryable<Invitation> which) =>
        which.Where(i => i.UsedAt == null).ExecuteUpdate(set => set.SetProperty(i => i.ExpiresAt, DateTimeOffset.UnixEpoch));
}
