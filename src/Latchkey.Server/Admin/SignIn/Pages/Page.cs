using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.SignIn.Pages;

/// <summary>Pages that are plain HTML: they need no circuit, and no script.</summary>
static class Page
{
    const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static Task Show<TPage>(HttpContext context, object model, int status = 200)
        where TPage : IComponent
    {
        context.Response.Headers.ContentSecurityPolicy = Policy;
        var result = new RazorComponentResult<TPage>(new Dictionary<string, object?> { ["Model"] = model })
        {
            StatusCode = status,
            PreventStreamingRendering = true,
        };
        return result.ExecuteAsync(context);
    }

    public static Task Message(HttpContext context, int status, string title, string text, string? link = null, string? linkText = null) =>
        Show<MessagePage>(context, new MessageModel(title, text, link, linkText), status);

    public static Task TooMany(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "60";
        return Message(context, 429, "Too many attempts", "There were too many attempts from your address. Wait a minute, then try again.");
    }

    public static void SeeOther(HttpContext context, string path)
    {
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = path;
    }

    /// <summary>A path of the panel; anything else, however it is spelled, is the panel's first page.</summary>
    public static string Local(string? path) =>
        path is { Length: < 2000 } && (path == "/admin" || path.StartsWith("/admin/", StringComparison.Ordinal) || path.StartsWith("/admin?", StringComparison.Ordinal))
        && !path.Contains('\\', StringComparison.Ordinal) && !path.Contains("//", StringComparison.Ordinal) && !path.Any(c => char.IsControl(c) || c > '~')
            ? path
            : "/admin/";

    public static async Task<IFormCollection> Form(HttpContext context) =>
        context.Request.HasFormContentType ? await context.Request.ReadFormAsync() : FormCollection.Empty;
}
