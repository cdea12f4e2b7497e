using System.Text;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

static class Csv
{
    /// <summary>A file to save; its size does not matter. Each part is read once the client has taken most of the one before, and none for a client that has gone.</summary>
    public static PushStreamHttpResult File(HttpContext context, string name, IEnumerable<string> parts)
    {
        var gate = context.RequestServices.GetRequiredService<ReadGates>().Api;
        return TypedResults.Stream(async stream =>
        {
            if (HttpMethods.IsHead(context.Request.Method)) return;
            using var part = parts.GetEnumerator();
            while (await gate.Run(part.MoveNext, context.RequestAborted)) await stream.WriteAsync(Encoding.UTF8.GetBytes(part.Current), context.RequestAborted);
        }, "text/csv; charset=utf-8", name);
    }
}
