using Latchkey.Server.Admin.Access;

namespace Latchkey.Server.Admin.Api;

/// <summary>What answers one resource names its state in <c>ETag</c>, which <c>If-Match</c> then asks for.</summary>
static class EntityTags
{
    public static async ValueTask<object?> Show(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var result = await next(context);
        var value = result is IValueHttpResult { Value: { } inner } ? inner : result;
        if (value is IResource) context.HttpContext.Response.Headers.ETag = $"\"{UnitOfWork.EntityTag(value)}\"";
        return result;
    }
}
