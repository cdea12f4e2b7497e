using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>What operators do with their own account. Each change is audited in its transaction.</summary>
sealed class OwnAccount(LatchkeyDb db, UserManager<Operator> users, DataDirectory data, TimeProvider clock)
{
    public const int RecoveryCodes = 10;

    public Task<Operator> Load(long id) => db.Users.SingleAsync(o => o.Id == id);

    public List<SessionView> Sessions(long id) => OperatorOperations.SessionsOf(db, id, clock.GetUtcNow());

    public async Task<IReadOnlyList<UserPasskeyInfo>> Passkeys(Operator who) => [.. await users.GetPasskeysAsync(who)];

    public Task<int> CodesLeft(Operator who) => users.CountRecoveryCodesAsync(who);

    /// <summary>The session was confirmed, so the old password was asked for. All other browsers are signed out.</summary>
    public async Task ChangePassword(Actor actor, string sessionId, string password)
    {
        var hash = users.PasswordHasher.HashPassword(new Operator(), password);
        await Change(actor, "operator.password_change", async who =>
        {
            who.PasswordHash = hash;
            await Require(users.UpdateSecurityStampAsync(who));
            db.OperatorSessions.Where(s => s.OperatorId == who.Id && s.Id != sessionId).ExecuteDelete();
            var now = clock.GetUtcNow();
            Links.End(db.Invitations.Where(i => i.OperatorId == who.Id));
        });
    }

    /// <summary>The secret an authenticator app is given; the same until one is set up with it.</summary>
    public async Task<string> AuthenticatorKey(Operator who)
    {
        if (await users.GetAuthenticatorKeyAsync(who) is { } existing) return existing;
        await Require(users.ResetAuthenticatorKeyAsync(who));
        return (await users.GetAuthenticatorKeyAsync(who))!;
    }

    /// <returns>The recovery codes; null if the code is wrong.</returns>
    public async Task<string[]?> TurnOn(Actor actor, string code)
    {
        var who = await Load(actor.Id!.Value);
        var key = await AuthenticatorKey(who);
        if (who.TwoFactorEnabled || !Totp.Spend(db, who.Id, key, code.Replace(" ", "", StringComparison.Ordinal), clock.GetUtcNow())) return null;
        return await Change(actor, "operator.second_factor_on", async fresh =>
        {
            await Require(users.SetTwoFactorEnabledAsync(fresh, true));
            return await NewCodes(fresh);
        });
    }

    public Task TurnOff(Actor actor) => Change(actor, "operator.second_factor_off", async who =>
    {
        await Require(users.SetTwoFactorEnabledAsync(who, false));
        db.UserTokens.Where(t => t.UserId == who.Id && t.LoginProvider == "latchkey" && t.Name != "last_totp_step").ExecuteDelete();
    });

    public Task<string[]> RegenerateCodes(Actor actor) => Change(actor, "operator.recovery_codes_made", NewCodes);

    async Task<string[]> NewCodes(Operator who) => [.. (await users.GenerateNewTwoFactorRecoveryCodesAsync(who, RecoveryCodes))!];

    public Task AddPasskey(Actor actor, UserPasskeyInfo passkey) =>
        Change(actor, "operator.passkey_add", who => Require(users.AddOrUpdatePasskeyAsync(who, passkey)), new { passkey.Name });

    public Task RemovePasskey(Actor actor, byte[] credential) =>
        Change(actor, "operator.passkey_remove", who => Require(users.RemovePasskeyAsync(who, credential)));

    public bool EndSession(Actor actor, string handle)
    {
        var own = db.OperatorSessions.Where(s => s.OperatorId == actor.Id).Select(s => s.Id).ToList();
        return own.Find(id => SignIn.Sessions.Handle(id) == handle) is { } id && End(actor, s => s.Id == id, "session.end", handle) > 0;
    }

    public int EndOthers(Actor actor, string sessionId) => End(actor, s => s.Id != sessionId, "session.end_others", null);

    int End(Actor actor, System.Linq.Expressions.Expression<Func<OperatorSession, bool>> which, string action, string? id)
    {
        using var transaction = data.Database.Begin(db);
        var ended = db.OperatorSessions.Where(s => s.OperatorId == actor.Id).Where(which).ExecuteDelete();
        UnitOfWork.Over(db, data, clock, actor).Record(action, id, new { Ended = ended });
        transaction.Commit();
        return ended;
    }

    async Task Change(Actor actor, string action, Func<Operator, Task> change, object? note = null) => await Change(actor, action, async who =>
    {
        await change(who);
        return true;
    }, note);

    async Task<T> Change<T>(Actor actor, string action, Func<Operator, Task<T>> change, object? note = null)
    {
        using var transaction = data.Database.Begin(db);
        var who = await Load(actor.Id!.Value);
        await db.Entry(who).ReloadAsync();
        var result = await change(who);
        UnitOfWork.Over(db, data, clock, actor).Record(action, who.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), note);
        transaction.Commit();
        return result;
    }

    static async Task Require(Task<IdentityResult> done)
    {
        var result = await done;
        if (!result.Succeeded) throw OperationException.Conflict("CHANGED_MEANWHILE", "The account was changed meanwhile: try again.");
    }
}
