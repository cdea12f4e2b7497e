using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;

namespace Latchkey.Server.Admin.Api;

/// <summary>What may have to look at many rows: a few at a time, and not for a client that has gone.</summary>
static class HeavyReads
{
    public static TBuilder Heavy<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.AddEndpointFilter(Run);

    static async ValueTask<object?> Run(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var services = context.HttpContext.RequestServices;
        var gone = context.HttpContext.RequestAborted;
        var work = services.GetRequiredService<UnitOfWork>();
        return await services.GetRequiredService<ReadGates>().Api.Run(() =>
        {
            using var _ = work.Database.StopWhen(work.Connection, gone);
            try
            {
                return next(context).AsTask().GetAwaiter().GetResult();
            }
            catch (Exception stopped) when (gone.IsCancellationRequested && work.Database.WasStopped(stopped))
            {
                throw new OperationCanceledException("The client has gone.", stopped, gone);
            }
        }, gone);
    }
}
