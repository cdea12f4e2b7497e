using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Admin.SignIn.Pages;

namespace Latchkey.Server.Admin.Panel;

/// <summary>A page for those alone who have a permission. Others are told so, with 403; what it shows and does asks again.</summary>
/// <param name="permission">Which.</param>
[AttributeUsage(AttributeTargets.Class)]
sealed class PageNeedsAttribute(string permission) : Attribute
{
    public const string Title = "Your role may not see this page";

    public string Permission => permission;

    /// <summary>Whom to ask.</summary>
    public string Text => $"It is for {Roles}. Ask one of them, or have your role changed on the page Operators.";

    string Roles => string.Join(" and ", Enum.GetValues<Role>().Where(role => Access.Permission.Of(role).Contains(permission)).Select(role => RoleName.Of(role) + "s"));

    /// <summary>Refuses the page before anything of it is sent.</summary>
    public static Task Check(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<PageNeedsAttribute>() is not { } needs) return next(context);
        return context.RequestServices.GetRequiredService<Sessions>().ActorOf(context)?.May(needs.Permission) == true
            ? next(context) : Page.Message(context, StatusCodes.Status403Forbidden, Title, needs.Text, "/admin/", "To the overview");
    }
}
