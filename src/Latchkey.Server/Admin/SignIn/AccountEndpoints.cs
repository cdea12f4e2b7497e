using System.Text;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn.Pages;
using Latchkey.Server.Http;
using Microsoft.AspNetCore.WebUtilities;
using QRCoder;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>One's own account: password, second factor, passkeys, sessions.</summary>
static class AccountEndpoints
{
    const string Here = "/admin/account";

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        var account = endpoints.MapGroup("/account").RequireAuthorization();
        account.MapGet("", (HttpContext context, OwnAccount own, Sessions sessions) => Show(context, own, sessions));
        account.MapPost("/password", ChangePassword);
        account.MapGet("/second-factor", ShowSetup);
        account.MapPost("/second-factor", TurnOn);
        account.MapPost("/second-factor/off", (HttpContext context, OwnAccount own, Sessions sessions) =>
            WhenConfirmed(context, sessions, actor => own.TurnOff(actor), "off"));
        account.MapPost("/recovery-codes", RegenerateCodes);
        account.MapPost("/passkeys/remove", RemovePasskey);
        account.MapPost("/sessions/end", EndSession);
        account.MapPost("/sessions/end-others", EndOthers);
    }

    static async Task Show(HttpContext context, OwnAccount own, Sessions sessions, string? error = null)
    {
        var ids = Sessions.Ids(context.User)!.Value;
        var who = await own.Load(ids.Operator);
        var passkeys = (await own.Passkeys(who)).Select(p => new OwnPasskey(WebEncoders.Base64UrlEncode(p.CredentialId), p.Name ?? "passkey", Wire.Micros(p.CreatedAt)[..10]));
        var here = Sessions.Handle(ids.Session);
        var browsers = own.Sessions(ids.Operator).Select(s => new OwnSession(s.Id, s.Address, s.Browser, Minute(s.LastSeenAt), Minute(s.CreatedAt), s.Id == here));
        await Page.Show<AccountPage>(context, new AccountModel(
            who.Email!, RoleName.Of(who.Role), who.TwoFactorEnabled, await own.CodesLeft(who), [.. passkeys], [.. browsers], error, Note(context)), error is null ? 200 : 422);
    }

    static string Minute(string time) => time[..16].Replace('T', ' ') + " UTC";

    static string? Note(HttpContext context) => context.Request.Query["done"].ToString() switch
    {
        "password" => "The password is changed, and you are signed out everywhere else.",
        "off" => "The second factor is off.",
        "passkey" => "The passkey was added.",
        "removed" => "The passkey was removed.",
        "ended" => "Signed out there.",
        _ => null,
    };

    static async Task ChangePassword(HttpContext context, OwnAccount own, Sessions sessions, SignInDesk desk)
    {
        var form = await Page.Form(context);
        var (current, password) = (form["current"].ToString(), form["password"].ToString());
        if (sessions.ActorOf(context) is not { } actor || Sessions.Ids(context.User) is not { } ids) return;
        var fault = LinkEndpoints.Fault(actor.Name, password, form["again"].ToString());

        // A code confirms too; here the password itself is asked for.
        if (fault is null && (current.Trim().Length < PasswordRule.MinLength || !await desk.Confirm(ids.Operator, ids.Session, current, Caller.Of(context))))
        {
            fault = "The current password is wrong. After five wrong attempts an account rests for 15 minutes.";
        }

        if (fault is not null)
        {
            await Show(context, own, sessions, fault);
            return;
        }

        await own.ChangePassword(actor, ids.Session, password);
        Page.SeeOther(context, Here + "?done=password");
    }

    static Task ShowSetup(HttpContext context, OwnAccount own, Sessions sessions) => WhenConfirmed(context, sessions, actor => Setup(context, own, actor), null);

    static async Task Setup(HttpContext context, OwnAccount own, Actor actor, string? error = null)
    {
        var who = await own.Load(actor.Id!.Value);
        if (who.TwoFactorEnabled)
        {
            Page.SeeOther(context, Here);
            return;
        }

        var secret = await own.AuthenticatorKey(who);
        var uri = $"otpauth://totp/Latchkey:{Uri.EscapeDataString(who.Email!)}?secret={secret}&issuer=Latchkey";
        using var code = QRCodeGenerator.GenerateQrCode(uri, QRCodeGenerator.ECCLevel.M);
        using var svg = new SvgQRCode(code);
        var drawn = svg.GetGraphic(4, "#000000", "#ffffff", drawQuietZones: true, SvgQRCode.SizingMode.ViewBoxAttribute);
        await Page.Show<SecondFactorSetupPage>(context, new SecondFactorSetupModel(drawn, Spaced(secret), error), error is null ? 200 : 422);
    }

    static string Spaced(string secret)
    {
        var spaced = new StringBuilder();
        foreach (var part in secret.Chunk(4)) spaced.Append(spaced.Length > 0 ? " " : "").Append(part);
        return spaced.ToString();
    }

    static async Task TurnOn(HttpContext context, OwnAccount own, Sessions sessions, Attempts attempts)
    {
        var code = (await Page.Form(context))["code"].ToString();
        await WhenConfirmed(context, sessions, async actor =>
        {
            if (!attempts.Admit(RateLimits.ClientAddress.Of(context))) await Page.TooMany(context);
            else if (await own.TurnOn(actor, code) is { } codes) await Page.Show<RecoveryCodesPage>(context, new RecoveryCodesModel(codes));
            else await Setup(context, own, actor, "This code is wrong: is the phone's clock right? Give the next code that the app shows.");
        }, null);
    }

    static Task RegenerateCodes(HttpContext context, OwnAccount own, Sessions sessions) => WhenConfirmed(context, sessions, async actor =>
    {
        if ((await own.Load(actor.Id!.Value)).TwoFactorEnabled) await Page.Show<RecoveryCodesPage>(context, new RecoveryCodesModel(await own.RegenerateCodes(actor)));
        else Page.SeeOther(context, Here);
    }, null);

    static async Task RemovePasskey(HttpContext context, OwnAccount own, Sessions sessions)
    {
        var id = (await Page.Form(context))["id"].ToString();
        await WhenConfirmed(context, sessions, actor => own.RemovePasskey(actor, Bytes(id)), "removed");
    }

    static byte[] Bytes(string base64Url)
    {
        try
        {
            return WebEncoders.Base64UrlDecode(base64Url);
        }
        catch (FormatException)
        {
            return [];
        }
    }

    static async Task EndSession(HttpContext context, OwnAccount own, Sessions sessions)
    {
        var handle = (await Page.Form(context))["id"].ToString();
        if (sessions.ActorOf(context) is { } actor) own.EndSession(actor, handle);
        Page.SeeOther(context, Here + "?done=ended");
    }

    static void EndOthers(HttpContext context, OwnAccount own, Sessions sessions)
    {
        if (sessions.ActorOf(context) is { } actor && Sessions.Ids(context.User) is { } ids) own.EndOthers(actor, ids.Session);
        Page.SeeOther(context, Here + "?done=ended");
    }

    /// <summary>The dangerous things: first the password or a code, if that was not lately.</summary>
    static async Task WhenConfirmed(HttpContext context, Sessions sessions, Func<Actor, Task> act, string? done)
    {
        if (sessions.ActorOf(context) is not { } actor) Page.SeeOther(context, "/admin/sign-in");
        else if (!actor.IsConfirmed) Page.SeeOther(context, "/admin/confirm?return_to=" + Uri.EscapeDataString(HttpMethods.IsGet(context.Request.Method) ? "/admin" + context.Request.Path : Here));
        else
        {
            await act(actor);
            if (done is not null) Page.SeeOther(context, $"{Here}?done={done}");
        }
    }
}
