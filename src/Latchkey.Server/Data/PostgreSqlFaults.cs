using System.Net.Sockets;
using Npgsql;

namespace Latchkey.Server.Data;

/// <summary>Tells a server that cannot do it right now from a statement that is wrong.</summary>
static class PostgreSqlFaults
{
    /// <returns>Null if it is the statement's own fault.</returns>
    public static StoreUnavailableException? Of(NpgsqlException failure)
    {
        var reason = failure is PostgresException { SqlState: var state } ? Reason(state)
            : failure.InnerException is SocketException or IOException ? "the database server cannot be reached"
            : failure.InnerException is TimeoutException ? "the database does not answer in time"
            : failure.IsTransient ? "the database server cannot be reached" : null;
        return reason is null ? null : new StoreUnavailableException(reason, failure);
    }

    static string? Reason(string state) => state switch
    {
        PostgresErrorCodes.TooManyConnections => "the database server has no connection left",
        "25P03" => "the database server gave a change up that took too long",
        PostgresErrorCodes.DiskFull => "the disk of the database server is full",
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow => "the database server stops or starts",
        PostgresErrorCodes.ReadOnlySqlTransaction => "the database server takes no writes: it is a standby",
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure => "the database is busy",
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification or PostgresErrorCodes.InvalidCatalogName => "the database server does not let us in: check Database:ConnectionString",
        _ => state[..2] is "08" or "53" or "57" or "58" or "XX" ? "the database server answers with errors" : null,
    };
}
