using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Latchkey.Server.Admin.Api;

/// <summary>What may have to look at many rows: a few at a time, and not for a client that has gone.</summary>
static class HeavyReads
{
    const int StepsBetween = 1000;

    public static TBuilder Heavy<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.AddEndpointFilter(Run);

    static async ValueTask<object?> Run(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var services = context.HttpContext.RequestServices;
        var gone = context.HttpContext.RequestAborted;
        var work = services.GetRequiredService<UnitOfWork>();
        return await services.GetRequiredService<ReadGates>().Api.Run(() =>
        {
            // Asked in between, and not told once: the client may have gone before the statement began.
            raw.sqlite3_progress_handler(work.Connection.Handle, StepsBetween, _ => gone.IsCancellationRequested ? 1 : 0, null);
            try
            {
                return next(context).AsTask().GetAwaiter().GetResult();
            }
            catch (SqliteException stopped) when (stopped.SqliteErrorCode == raw.SQLITE_INTERRUPT && gone.IsCancellationRequested)
            {
                throw new OperationCanceledException("The client has gone.", stopped, gone);
            }
            finally
            {
                raw.sqlite3_progress_handler(work.Connection.Handle, 0, null, null);
            }
        }, gone);
    }
}
