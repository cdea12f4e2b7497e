using System.Globalization;
using System.Security.Claims;
using Latchkey.Server.Admin.SignIn.Pages;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>Signing in, the second factor, signing out, and giving the password once more.</summary>
static class SignInEndpoints
{
    const string Stamp = "stamp";
    public const string Wrong = "The e-mail address or the password is wrong. After five wrong attempts an account rests for 15 minutes.";
    const string WrongCode = "This code is wrong, or was used already. After five wrong attempts an account rests for 15 minutes.";

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/sign-in", ShowSignIn);
        endpoints.MapPost("/sign-in", SignIn);
        endpoints.MapGet("/sign-in/second-factor", ShowSecondFactor);
        endpoints.MapPost("/sign-in/second-factor", SecondFactor);
        endpoints.MapPost("/sign-out", SignOut);
        endpoints.MapGet("/confirm", ShowConfirm).RequireAuthorization();
        endpoints.MapPost("/confirm", Confirm).RequireAuthorization();
    }

    static Task ShowSignIn(HttpContext context)
    {
        var returnTo = Page.Local(context.Request.Query["return_to"]);
        if (context.User.Identity?.IsAuthenticated == true)
        {
            Page.SeeOther(context, returnTo);
            return Task.CompletedTask;
        }

        var note = context.Request.Query.ContainsKey("changed") ? "The password is changed. Sign in with it." : null;
        return Page.Show<SignInPage>(context, new SignInModel("", returnTo, null, note, !context.Request.IsHttps));
    }

    static async Task SignIn(HttpContext context, SignInDesk desk)
    {
        var form = await Page.Form(context);
        var email = form["email"].ToString().Trim();
        var returnTo = Page.Local(form["return_to"]);
        var outcome = await desk.Password(email, form["password"].ToString(), Caller.Of(context));
        switch (outcome.Kind)
        {
            case SignInResultKind.TooMany:
                await Page.TooMany(context);
                return;
            case SignInResultKind.SecondFactor:
                await Remember(context, outcome.Operator!);
                Page.SeeOther(context, "/admin/sign-in/second-factor?return_to=" + Uri.EscapeDataString(returnTo));
                return;
            case SignInResultKind.Done:
                await Admit(context, outcome);
                Page.SeeOther(context, returnTo);
                return;
            default:
                await Page.Show<SignInPage>(context, new SignInModel(email, returnTo, Wrong, null, !context.Request.IsHttps), 401);
                return;
        }
    }

    static async Task ShowSecondFactor(HttpContext context)
    {
        if (await Remembered(context) is null) Page.SeeOther(context, "/admin/sign-in");
        else await Page.Show<SecondFactorPage>(context, new SignInModel("", Page.Local(context.Request.Query["return_to"])));
    }

    static async Task SecondFactor(HttpContext context, SignInDesk desk)
    {
        var form = await Page.Form(context);
        var returnTo = Page.Local(form["return_to"]);
        if (await Remembered(context) is not { } who)
        {
            Page.SeeOther(context, "/admin/sign-in?return_to=" + Uri.EscapeDataString(returnTo));
            return;
        }

        var outcome = await desk.SecondFactor(who.Operator, who.Stamp, form["code"].ToString(), Caller.Of(context));
        switch (outcome.Kind)
        {
            case SignInResultKind.TooMany:
                await Page.TooMany(context);
                return;
            case SignInResultKind.Done:
                await context.SignOutAsync(IdentityConstants.TwoFactorUserIdScheme);
                await Admit(context, outcome);
                Page.SeeOther(context, returnTo);
                return;
            default:
                await Page.Show<SecondFactorPage>(context, new SignInModel("", returnTo, WrongCode), 401);
                return;
        }
    }

    /// <summary>Five minutes, in a cookie, while the code is asked for; a changed password ends it.</summary>
    static Task Remember(HttpContext context, Operator who) => context.SignInAsync(IdentityConstants.TwoFactorUserIdScheme, new ClaimsPrincipal(new ClaimsIdentity(
        [new Claim(ClaimTypes.Name, who.Id.ToString(CultureInfo.InvariantCulture)), new Claim(Stamp, who.SecurityStamp ?? "")], IdentityConstants.TwoFactorUserIdScheme)));

    static async Task<(long Operator, string Stamp)?> Remembered(HttpContext context)
    {
        var found = await context.AuthenticateAsync(IdentityConstants.TwoFactorUserIdScheme);
        return found.Principal is { } who && long.TryParse(who.FindFirstValue(ClaimTypes.Name), CultureInfo.InvariantCulture, out var id) && who.FindFirstValue(Stamp) is { } stamp
            ? (id, stamp)
            : null;
    }

    public static Task Admit(HttpContext context, SignInOutcome done) => context.SignInAsync(
        IdentityConstants.ApplicationScheme, Sessions.Principal(done.Operator!.Id, done.Session!.Id, done.Operator.Email!, done.Operator.Role));

    static async Task SignOut(HttpContext context, Sessions sessions, SignInDesk desk)
    {
        if (Sessions.Ids(context.User) is { } ids && sessions.ActorOf(context) is { } actor) desk.Leave(ids.Operator, ids.Session, actor);
        await context.SignOutAsync(IdentityConstants.ApplicationScheme);
        Page.SeeOther(context, "/admin/sign-in");
    }

    static Task ShowConfirm(HttpContext context, Sessions sessions) => ConfirmForm(context, sessions, Page.Local(context.Request.Query["return_to"]));

    static Task ConfirmForm(HttpContext context, Sessions sessions, string returnTo, string? error = null)
    {
        var found = Sessions.Ids(context.User) is { } ids ? sessions.Find(ids.Operator, ids.Session) : null;
        return Page.Show<ConfirmPage>(context, new ConfirmModel(found?.Email ?? "", found?.HasSecondFactor == true, returnTo, error), error is null ? 200 : 401);
    }

    static async Task Confirm(HttpContext context, Sessions sessions, SignInDesk desk)
    {
        var form = await Page.Form(context);
        var returnTo = Page.Local(form["return_to"]);
        var ids = Sessions.Ids(context.User)!.Value;
        if (await desk.Confirm(ids.Operator, ids.Session, form["password"].ToString(), Caller.Of(context))) Page.SeeOther(context, returnTo);
        else await ConfirmForm(context, sessions, returnTo, "That is wrong, or there were too many attempts. After five wrong ones an account rests for 15 minutes.");
    }
}
