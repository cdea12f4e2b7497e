using Latchkey.Server.Admin.Access;

namespace Latchkey.Server.Admin.Api;

/// <summary>What answers one resource names its state in <c>ETag</c>, which <c>If-Match</c> then asks for.</summary>
static class EntityTags
{
    public static async ValueTask<object?> Show(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var result = await next(context);
        var value = result is IValueHttpResult { Value: { } inner } ? inner : result;
        if (Of(value) is { } tag) context.HttpContext.Response.Headers.ETag = tag;
        return result;
    }

    /// <returns>Null if it is no resource.</returns>
    public static string? Of(object? value) => value is IResource ? $"\"{UnitOfWork.EntityTag(value)}\"" : null;
}
