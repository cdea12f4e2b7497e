using System.Data.Common;
using System.Globalization;
using System.Net;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>Where a request of the panel comes from.</summary>
sealed record Caller(string? Address, string? RequestId, string UserAgent, RateLimits.ClientAddress Client)
{
    public static Caller Of(HttpContext context)
    {
        var agent = new string([.. context.Request.Headers.UserAgent.ToString().Where(c => !char.IsControl(c)).Take(300)]);
        return new Caller(AddressOf(context), context.TraceIdentifier, agent, RateLimits.ClientAddress.Of(context));
    }

    public static string? AddressOf(HttpContext context) => context.Connection.RemoteIpAddress switch
    {
        { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4().ToString(),
        IPAddress address => address.ToString(),
        null => null,
    };
}

/// <summary>A session as the database has it at this moment, with its operator.</summary>
sealed record SignedIn(long OperatorId, string SessionId, string Email, Role Role, bool HasSecondFactor, DateTimeOffset ConfirmedAt, DateTimeOffset LastSeenAt, string Address);

/// <summary>
/// Who is signed in. The cookie only names a session; the row decides, anew on every call, so that a signed-out,
/// disabled or demoted operator is so from the next click on. Usable from a request and from a circuit.
/// </summary>
sealed class Sessions(DataDirectory data, TimeProvider clock)
{
    public const string SessionClaim = "latchkey_session";

    public static readonly TimeSpan Idle = TimeSpan.FromHours(12);
    public static readonly TimeSpan Longest = TimeSpan.FromDays(14);
    public static readonly TimeSpan ConfirmationLasts = TimeSpan.FromMinutes(10);
    static readonly TimeSpan SeenEvery = TimeSpan.FromMinutes(1);

    /// <summary>The operator behind a request of the panel.</summary>
    public Actor? ActorOf(HttpContext context) => ActorOf(context.User, Caller.AddressOf(context), context.TraceIdentifier);

    /// <summary>In a circuit only the claims are known: the address is the one last seen.</summary>
    public Actor? ActorOf(ClaimsPrincipal user, string? address = null, string? requestId = null) =>
        Ids(user) is { } ids ? ActorOf(ids.Operator, ids.Session, address, requestId) : null;

    public Actor? ActorOf(long operatorId, string sessionId, string? address = null, string? requestId = null) =>
        Find(operatorId, sessionId, address) is { } found
            ? new Actor(ActorKind.Operator, found.OperatorId, found.Email, Permission.Of(found.Role), address ?? found.Address, requestId, IsConfirmed(found))
            : null;

    /// <summary>Not in the past alone: a clock that went back must not make it last.</summary>
    public bool IsConfirmed(SignedIn session) => (clock.GetUtcNow() - session.ConfirmedAt).Duration() < ConfirmationLasts;

    public static (long Operator, string Session)? Ids(ClaimsPrincipal user) =>
        long.TryParse(user.FindFirstValue(ClaimTypes.NameIdentifier), CultureInfo.InvariantCulture, out var id) && user.FindFirstValue(SessionClaim) is { } session
            ? (id, session)
            : null;

    /// <summary>Null: it is over, or its operator is disabled. Else it was seen just now.</summary>
    public SignedIn? Find(long operatorId, string sessionId, string? address = null)
    {
        using var connection = data.Database.Open();
        var now = clock.GetUtcNow();
        if (Read(connection, operatorId, sessionId, now) is not { } found) return null;
        if ((now - found.LastSeenAt).Duration() >= SeenEvery) Touch(connection, sessionId, address ?? found.Address, now);
        return found;
    }

    SignedIn? Read(DbConnection connection, long operatorId, string sessionId, DateTimeOffset now)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT o.email, o.role, o.two_factor_enabled, s.confirmed_at, s.last_seen_at, s.address
            FROM operator_sessions s JOIN operators o ON o.id = s.operator_id
            WHERE s.id = $1 AND o.id = $2 AND o.disabled_at IS NULL AND s.expires_at > $3 AND s.last_seen_at > $4
            """;
        foreach (var (index, value) in new object[] { sessionId, operatorId, UnixMicroseconds.From(now), UnixMicroseconds.From(now - Idle) }.Index()) command.Parameters.Add(data.Database.Parameter(index + 1, value));
        using var reader = command.ExecuteReader();
        if (!reader.Read()) return null;
        return new SignedIn(
            operatorId, sessionId, reader.GetString(0), (Role)reader.GetInt32(1), reader.GetBoolean(2),
            UnixMicroseconds.To(reader.GetInt64(3)), UnixMicroseconds.To(reader.GetInt64(4)), reader.GetString(5));
    }

    void Touch(DbConnection connection, string sessionId, string address, DateTimeOffset now)
    {
        try
        {
            using var session = new WriteSession(data.Database, connection);
            session.Execute("UPDATE operator_sessions SET last_seen_at = $2, address = $3 WHERE id = $1", sessionId, UnixMicroseconds.From(now), address);
        }
        catch (DbException)
        {
            // On a full disk the panel can still be read.
        }
    }

    /// <summary>Part of the caller's transaction.</summary>
    public OperatorSession Open(LatchkeyDb db, long operatorId, Caller caller)
    {
        var now = clock.GetUtcNow();
        var idle = now - Idle;
        db.OperatorSessions.Where(s => s.OperatorId == operatorId && (s.ExpiresAt <= now || s.LastSeenAt <= idle)).ExecuteDelete();
        db.Users.Where(o => o.Id == operatorId).ExecuteUpdate(set => set.SetProperty(o => o.LastSignInAt, now));
        var session = new OperatorSession
        {
            Id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            OperatorId = operatorId,
            CreatedAt = now,
            LastSeenAt = now,
            ConfirmedAt = now,
            ExpiresAt = now + Longest,
            Address = caller.Address ?? "-",
            UserAgent = caller.UserAgent,
        };
        db.Add(session);
        db.SaveChanges();
        return session;
    }

    /// <summary>Names a session without giving it away: what the cookie holds never reaches a page.</summary>
    public static string Handle(string sessionId) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(sessionId)).AsSpan(0, 8));

    /// <summary>What goes into the cookie.</summary>
    public static ClaimsPrincipal Principal(long operatorId, string sessionId, string email, Role role) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.NameIdentifier, operatorId.ToString(CultureInfo.InvariantCulture)), new Claim(SessionClaim, sessionId),
            new Claim(ClaimTypes.Name, email), new Claim(ClaimTypes.Role, RoleName.Of(role)),
        ],
        IdentityConstants.ApplicationScheme));
}

/// <summary>Roles, as the wire and the command line spell them.</summary>
static class RoleName
{
    public const string Rule = "one of owner, manager, support, viewer";

    public static string Of(Role role) => role.ToString().ToLowerInvariant();

    public static Role? Parse(string? text) => text?.Trim().ToLowerInvariant() switch
    {
        "owner" => Role.Owner,
        "manager" => Role.Manager,
        "support" => Role.Support,
        "viewer" => Role.Viewer,
        _ => null,
    };
}
