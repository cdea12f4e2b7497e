using System.Security.Cryptography;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.SignIn;

enum SignInResultKind
{
    Refused,
    TooMany,

    /// <summary>The password was right; a code is still to come.</summary>
    SecondFactor,
    Done,
}

/// <param name="Kind">What came of it.</param>
/// <param name="Operator">Who, unless refused.</param>
/// <param name="Session">If done.</param>
sealed record SignInOutcome(SignInResultKind Kind, Operator? Operator = null, OperatorSession? Session = null)
{
    public static readonly SignInOutcome Refused = new(SignInResultKind.Refused);
    public static readonly SignInOutcome TooMany = new(SignInResultKind.TooMany);
}

/// <summary>
/// Lets people in. Every attempt is counted before it is tried, and every wrong one answers alike and takes alike long,
/// whether the address is unknown, the account disabled or locked, or the password wrong.
/// </summary>
sealed class SignInDesk(
    LatchkeyDb db, UserManager<Operator> users, SignInManager<Operator> identity, Sessions sessions, Attempts attempts, DataDirectory data, TimeProvider clock)
{
    static string? _dummy;

    public async Task<SignInOutcome> Password(string email, string password, Caller caller)
    {
        if (!attempts.Admit(caller.Client)) return SignInOutcome.TooMany;
        var who = await Find(email);
        if (who is not { DisabledAt: null, PasswordHash: not null } || attempts.Reserve(db, who.Id) is not { } attempt)
        {
            Attempts.ReserveInVain(db);
            HashInVain(password);
            return Refuse(email, caller, who, "password");
        }

        if (!IsRight(who, password)) return Refuse(email, caller, who, "password", attempt);
        if (!who.TwoFactorEnabled) return Enter(who, caller, "password");
        Attempts.TakeBack(db, attempt);
        return new SignInOutcome(SignInResultKind.SecondFactor, who);
    }

    /// <summary>After the right password: a code of the app, or a recovery code.</summary>
    public async Task<SignInOutcome> SecondFactor(long operatorId, string stamp, string code, Caller caller)
    {
        if (!attempts.Admit(caller.Client)) return SignInOutcome.TooMany;
        var who = await db.Users.SingleOrDefaultAsync(o => o.Id == operatorId);
        if (who is not { DisabledAt: null, TwoFactorEnabled: true } || who.SecurityStamp != stamp) return SignInOutcome.Refused;
        if (attempts.Reserve(db, who.Id) is not { } attempt) return Refuse(who.Email!, caller, who, "second factor");
        var used = await SpendCode(who, code, caller);
        return used is null ? Refuse(who.Email!, caller, who, "second factor", attempt) : Enter(who, caller, used);
    }

    /// <summary>A passkey is both factors at once: the device asks for a finger, a face or a PIN. Nobody can guess one, so no lockout holds it up.</summary>
    public async Task<SignInOutcome> Passkey(string credential, Caller caller)
    {
        if (!attempts.Admit(caller.Client)) return SignInOutcome.TooMany;
        if (await Assert(credential) is not { Succeeded: true, User: { DisabledAt: null } who } result) return Refuse("(passkey)", caller, null, "passkey");
        using var transaction = data.Database.Begin(db);
        await db.Entry(who).ReloadAsync();

        // It may have been removed since it was looked at: then it must not be put back.
        var id = result.Passkey.CredentialId;
        if (who.DisabledAt is not null || !await db.UserPasskeys.AnyAsync(p => p.CredentialId == id && p.UserId == who.Id)) return SignInOutcome.Refused;
        if (!(await users.AddOrUpdatePasskeyAsync(who, result.Passkey)).Succeeded) return SignInOutcome.Refused;
        var done = Enter(who, caller, "passkey", transaction: false);
        transaction.Commit();
        return done;
    }

    async Task<PasskeyAssertionResult<Operator>?> Assert(string credential)
    {
        try
        {
            return await identity.PerformPasskeyAssertionAsync(credential);
        }
        catch (Exception failure) when (failure is InvalidOperationException or System.Text.Json.JsonException or FormatException or ArgumentException)
        {
            // No challenge was asked for, or what came is no credential.
            return null;
        }
    }

    /// <summary>The password or a code once more, before something dangerous.</summary>
    public async Task<bool> Confirm(long operatorId, string sessionId, string passwordOrCode, Caller caller)
    {
        if (sessions.Find(operatorId, sessionId) is null || !attempts.Admit(caller.Client)) return false;
        var who = await db.Users.SingleAsync(o => o.Id == operatorId);
        if (attempts.Reserve(db, operatorId) is not { } attempt) return false;
        var isRight = IsCode(passwordOrCode)
            ? who.TwoFactorEnabled && await SpendCode(who, passwordOrCode, caller) is not null
            : IsRight(who, passwordOrCode);
        using var work = Work(who, caller);
        using var transaction = data.Database.Begin(db);
        if (isRight)
        {
            Attempts.TakeBack(db, attempt);
            var now = clock.GetUtcNow();
            db.OperatorSessions.Where(s => s.Id == sessionId && s.OperatorId == operatorId).ExecuteUpdate(set => set.SetProperty(s => s.ConfirmedAt, now));
        }

        work.Record(isRight ? "session.confirm" : "session.confirm_failed", Sessions.Handle(sessionId));
        if (!isRight && attempt.LockedUntil is not null) work.Record("operator.locked_out", Id(who));
        transaction.Commit();
        return isRight;
    }

    /// <summary>Signs in whoever has just chosen a password; part of the caller's transaction.</summary>
    public SignInOutcome Enter(Operator who, Caller caller, string by, bool transaction = true)
    {
        using var own = transaction ? data.Database.Begin(db) : null;
        Attempts.Forget(db, who.Id);
        var session = sessions.Open(db, who.Id, caller);
        Work(who, caller).Record("operator.sign_in", Id(who), new { By = by });
        own?.Commit();
        return new SignInOutcome(SignInResultKind.Done, who, session);
    }

    public void Leave(long operatorId, string sessionId, Actor actor)
    {
        using var transaction = data.Database.Begin(db);
        if (db.OperatorSessions.Where(s => s.Id == sessionId && s.OperatorId == operatorId).ExecuteDelete() == 0) return;
        UnitOfWork.Over(db, data, clock, actor).Record("operator.sign_out", actor.Id?.ToString(System.Globalization.CultureInfo.InvariantCulture));
        transaction.Commit();
    }

    /// <returns>Which kind of code it was; null if it is wrong. What is right is spent.</returns>
    async Task<string?> SpendCode(Operator who, string code, Caller caller)
    {
        code = code.Replace(" ", "", StringComparison.Ordinal).Trim();
        if (await users.GetAuthenticatorKeyAsync(who) is { } key && Totp.Spend(db, who.Id, key, code, clock.GetUtcNow())) return "password and code";
        using var transaction = data.Database.Begin(db);
        await db.Entry(who).ReloadAsync();
        foreach (var entry in db.ChangeTracker.Entries<IdentityUserToken<long>>().ToList()) await entry.ReloadAsync();
        if (!(await users.RedeemTwoFactorRecoveryCodeAsync(who, code.ToUpperInvariant())).Succeeded) return null;
        Work(who, caller).Record("operator.recovery_code_used", Id(who), new { Left = await users.CountRecoveryCodesAsync(who) });
        transaction.Commit();
        return "password and recovery code";
    }

    /// <summary>No password is as short as a code.</summary>
    static bool IsCode(string text) => text.Trim().Length < PasswordRule.MinLength;

    bool IsRight(Operator who, string password) => users.PasswordHasher.VerifyHashedPassword(who, who.PasswordHash!, password) != PasswordVerificationResult.Failed;

    void HashInVain(string password)
    {
        var nobody = new Operator();
        _dummy ??= users.PasswordHasher.HashPassword(nobody, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));
        users.PasswordHasher.VerifyHashedPassword(nobody, _dummy, password);
    }

    SignInOutcome Refuse(string email, Caller caller, Operator? who, string by, Try? attempt = null)
    {
        // Who types the password into the wrong field has it nowhere.
        var tried = Email.IsOne(email) || who is not null ? email : "(no e-mail address)";
        var work = UnitOfWork.Over(db, data, clock, Actor.Nobody(tried, caller.Address, caller.RequestId));
        if (attempt?.LockedUntil is not null) work.Note("operator.locked_out", Id(who!));
        work.Record("operator.sign_in_failed", who is null ? null : Id(who), new { By = by });
        return SignInOutcome.Refused;
    }

    async Task<Operator?> Find(string email)
    {
        var normal = Email.Normal(email);
        return await db.Users.SingleOrDefaultAsync(o => o.NormalizedEmail == normal);
    }

    UnitOfWork Work(Operator who, Caller caller) =>
        UnitOfWork.Over(db, data, clock, new Actor(ActorKind.Operator, who.Id, who.Email!, Permission.Of(who.Role), caller.Address, caller.RequestId));

    static string Id(Operator who) => who.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>The same from a circuit, which has no request and lives too long for a database context of its own.</summary>
sealed class Confirmations(IServiceScopeFactory scopes)
{
    /// <summary>Counts as an attempt: five wrong ones lock out.</summary>
    public async Task<bool> Confirm(long operatorId, string sessionId, string passwordOrCode, Caller caller)
    {
        await using var scope = scopes.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<SignInDesk>().Confirm(operatorId, sessionId, passwordOrCode, caller);
    }
}
