using Latchkey.Server.Admin.SignIn.Pages;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>The pages behind the one-time links. Looking at one spends nothing: mail programs look too.</summary>
static class LinkEndpoints
{
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        foreach (var kind in Enum.GetValues<InvitationKind>())
        {
            var pattern = $"/{kind.ToString().ToLowerInvariant()}/{{token}}";
            endpoints.MapGet(pattern, (HttpContext context, string token, LinkDesk desk, Attempts attempts) => Show(context, kind, token, desk, attempts));
            endpoints.MapPost(pattern, (HttpContext context, string token, LinkDesk desk, Attempts attempts) => Follow(context, kind, token, desk, attempts));
        }
    }

    static Task Show(HttpContext context, InvitationKind kind, string token, LinkDesk desk, Attempts attempts)
    {
        if (desk.Find(kind, token) is { } link) return Form(context, link, link.Email ?? "");
        return attempts.Admit(RateLimits.ClientAddress.Of(context)) ? Dead(context, kind) : Page.TooMany(context);
    }

    static async Task Follow(HttpContext context, InvitationKind kind, string token, LinkDesk desk, Attempts attempts)
    {
        if (!attempts.Admit(RateLimits.ClientAddress.Of(context)))
        {
            await Page.TooMany(context);
            return;
        }

        if (desk.Find(kind, token) is not { } link)
        {
            await Dead(context, kind);
            return;
        }

        var form = await Page.Form(context);
        var email = link.Email ?? form["email"].ToString().Trim();
        var password = form["password"].ToString();
        if (Fault(email, password, form["again"].ToString()) is { } fault) await Form(context, link, email, fault);
        else if (kind == InvitationKind.Reset) await Reset(context, token, password, desk);
        else await Join(context, kind, token, email, password, desk);
    }

    static async Task Join(HttpContext context, InvitationKind kind, string token, string email, string password, LinkDesk desk)
    {
        if (await desk.Join(kind, token, email, password, Caller.Of(context)) is not { } done)
        {
            await Dead(context, kind);
            return;
        }

        await SignInEndpoints.Admit(context, done);
        Page.SeeOther(context, "/admin/");
    }

    static async Task Reset(HttpContext context, string token, string password, LinkDesk desk)
    {
        if (await desk.Reset(token, password, Caller.Of(context))) Page.SeeOther(context, "/admin/sign-in?changed");
        else await Dead(context, InvitationKind.Reset);
    }

    public static string? Fault(string email, string password, string again)
    {
        if (!Email.IsOne(email)) return $"\"{email}\" is not {Email.Rule}.";
        return PasswordRule.Fault(password, email) ?? (password == again ? null : "The two passwords differ: type them again.");
    }

    static Task Form(HttpContext context, Invitation link, string email, string? fault = null)
    {
        var model = link.Kind switch
        {
            InvitationKind.Setup => new ChoosePasswordModel("Set up Latchkey", "Make the first operator: an owner, who may do everything.", "Make the owner", email, true, fault),
            InvitationKind.Invitation => new ChoosePasswordModel("Welcome to Latchkey", $"You are invited as {RoleName.Of(link.Role)}. Choose a password.", "Join", email, false, fault),
            _ => new ChoosePasswordModel("Choose a new password", "You will be signed out everywhere, your passkeys are removed, and you sign in with it.", "Change the password", email, false, fault),
        };
        return Page.Show<ChoosePasswordPage>(context, model, fault is null ? 200 : 422);
    }

    static Task Dead(HttpContext context, InvitationKind kind) => Page.Message(context, 410, "This link does not work any more", kind switch
    {
        InvitationKind.Setup => "It was used, it is older than an hour, or somebody has set the panel up. Without an operator, a restart of the server prints a new one.",
        InvitationKind.Invitation => "It was used, withdrawn, or is older than seven days. Ask for another one.",
        _ => "It was used, replaced, or is older than a day. Ask for another one.",
    }, "/admin/sign-in", "To the sign-in");
}
