using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>What comes of a one-time link: an operator, or a new password. Link and change are spent and made together.</summary>
sealed class LinkDesk(LatchkeyDb db, UserManager<Operator> users, SignInDesk desk, DataDirectory data, TimeProvider clock)
{
    public Invitation? Find(InvitationKind kind, string token) => Links.Find(db, kind, token, clock.GetUtcNow());

    /// <returns>Signed in; null if the link is worth nothing any more.</returns>
    public async Task<SignInOutcome?> Join(InvitationKind kind, string token, string email, string password, Caller caller)
    {
        if (Find(kind, token) is not { } link) return null;
        var who = new Operator
        {
            UserName = email,
            Email = email,
            Role = kind == InvitationKind.Setup ? Role.Owner : link.Role,
            CreatedAt = clock.GetUtcNow(),
            LockoutEnabled = true,
        };
        who.PasswordHash = users.PasswordHasher.HashPassword(who, password);
        using var transaction = data.Database.Begin(db);
        if (!Links.TryClaim(db, kind, token, clock.GetUtcNow())) return null;
        var made = await users.CreateAsync(who);
        if (!made.Succeeded) return null;
        Work(who.Email, caller).Record("operator.add", Id(who), new { who.Email, Role = RoleName.Of(who.Role), By = kind.ToString().ToLowerInvariant() });
        var done = desk.Enter(who, caller, "link", transaction: false);
        transaction.Commit();
        return done;
    }

    /// <summary>
    /// A new password; every browser is signed out, and the lockout is over. Passkeys sign in without the password: whoever had
    /// the account may have added one, so they go too. The second factor stays, else a link that was read by others would be enough.
    /// </summary>
    public async Task<bool> Reset(string token, string password, Caller caller)
    {
        if (Find(InvitationKind.Reset, token)?.OperatorId is not { } id) return false;
        var hash = users.PasswordHasher.HashPassword(new Operator(), password);
        using var transaction = data.Database.Begin(db);
        var who = await db.Users.SingleAsync(o => o.Id == id);
        if (!Links.TryClaim(db, InvitationKind.Reset, token, clock.GetUtcNow())) return false;
        (who.PasswordHash, who.LockoutEnd, who.AccessFailedCount) = (hash, null, 0);
        if (!(await users.UpdateSecurityStampAsync(who)).Succeeded) return false;
        db.OperatorSessions.Where(s => s.OperatorId == id).ExecuteDelete();
        var passkeys = db.UserPasskeys.Where(p => p.UserId == id).ExecuteDelete();
        Links.End(db.Invitations.Where(i => i.OperatorId == id));
        Work(who.Email!, caller).Record("operator.password_change", Id(who), new { By = "reset link", PasskeysRemoved = passkeys });
        transaction.Commit();
        return true;
    }

    UnitOfWork Work(string name, Caller caller) => UnitOfWork.Over(db, data, clock, Actor.Nobody(name, caller.Address, caller.RequestId));

    static string Id(Operator who) => who.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
