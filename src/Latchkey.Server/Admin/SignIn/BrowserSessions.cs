using Latchkey.Server.Admin.Access;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>The panel's own requests to the admin API: its cookie, and for a change its antiforgery token in <c>RequestVerificationToken</c>.</summary>
sealed class BrowserSessions(Sessions sessions, IAntiforgery forgery)
{
    public async ValueTask<Actor?> ActorOf(HttpContext context)
    {
        // A request without any cookie is a program that forgot its key: nothing is set up for it.
        if (context.Request.Cookies.Count == 0) return null;
        var known = await context.AuthenticateAsync(IdentityConstants.ApplicationScheme);
        if (!known.Succeeded) return null;
        context.User = known.Principal;
        return sessions.ActorOf(context);
    }

    public Task<bool> IsFromOurPages(HttpContext context) => forgery.IsRequestValidAsync(context);
}
