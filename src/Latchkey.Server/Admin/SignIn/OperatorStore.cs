using Latchkey.Server.Data;
using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>Identity's own store, but a leaked database gives away neither the authenticator's secret nor a recovery code.</summary>
sealed class OperatorStore(LatchkeyDb db, Secrets secrets, IdentityErrorDescriber? describer = null)
    : UserOnlyStore<Operator, LatchkeyDb, long>(db, describer)
{
    const string Provider = "latchkey";
    const string AuthenticatorKey = "authenticator_key";
    const string RecoveryCodes = "recovery_codes";

    public override Task SetAuthenticatorKeyAsync(Operator user, string key, CancellationToken cancellationToken) =>
        SetTokenAsync(user, Provider, AuthenticatorKey, Convert.ToBase64String(secrets.Seal(key, Owner(user))), cancellationToken);

    public override async Task<string?> GetAuthenticatorKeyAsync(Operator user, CancellationToken cancellationToken) =>
        await GetTokenAsync(user, Provider, AuthenticatorKey, cancellationToken) is { } sealed_ ? secrets.Open(Convert.FromBase64String(sealed_), Owner(user)) : null;

    public override Task ReplaceCodesAsync(Operator user, IEnumerable<string> recoveryCodes, CancellationToken cancellationToken) =>
        SetTokenAsync(user, Provider, RecoveryCodes, string.Join(';', recoveryCodes.Select(code => Hash(user, code))), cancellationToken);

    public override async Task<bool> RedeemCodeAsync(Operator user, string code, CancellationToken cancellationToken)
    {
        var left = await Left(user, cancellationToken);
        if (!left.Remove(Hash(user, code))) return false;
        await SetTokenAsync(user, Provider, RecoveryCodes, string.Join(';', left), cancellationToken);
        return true;
    }

    public override async Task<int> CountCodesAsync(Operator user, CancellationToken cancellationToken) => (await Left(user, cancellationToken)).Count;

    async Task<List<string>> Left(Operator user, CancellationToken cancellationToken) =>
        [.. (await GetTokenAsync(user, Provider, RecoveryCodes, cancellationToken) ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>Under the pepper: a code has too few bits to stand alone.</summary>
    string Hash(Operator user, string code) => Convert.ToHexStringLower(secrets.Hash($"recovery code {user.Id} {code}"));

    byte[] Owner(Operator user) => secrets.Hash($"authenticator key {user.Id}");
}
