using System.Text;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

static class Csv
{
    /// <summary>A file to save; its size does not matter. Each part is read once the client has taken most of the one before, and none for a client that has gone.</summary>
    public static async Task<PushStreamHttpResult> File(HttpContext context, string name, IEnumerable<string> parts)
    {
        var gate = context.RequestServices.GetRequiredService<ReadGates>().Api;
        var gone = context.RequestAborted;
        var part = parts.GetEnumerator();
        context.Response.RegisterForDispose(part);

        // What is refused is refused before anything is said of a file.
        var isMore = await gate.Run(part.MoveNext, gone);
        return TypedResults.Stream(async stream =>
        {
            for (isMore &= !HttpMethods.IsHead(context.Request.Method); isMore; isMore = await gate.Run(part.MoveNext, gone))
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(part.Current), gone);
            }
        }, "text/csv; charset=utf-8", name);
    }
}
