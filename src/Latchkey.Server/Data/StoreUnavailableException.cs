using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Latchkey.Server.Data;

/// <summary>
/// The database or a file cannot be reached right now: the disk is full or failing, or another process
/// holds it for too long. Nothing was changed; trying again later can help. Answered as 503.
/// </summary>
sealed class StoreUnavailableException(string reason, Exception? cause = null) : Exception(reason, cause)
{
    /// <summary>A stored file, and what is wrong with it, as <c>is missing</c>.</summary>
    public static StoreUnavailableException OfBlob(string id, string fault, Exception? cause = null) =>
        new($"the stored file {id} {fault}: run latchkey doctor", cause) { BlobFault = fault };

    /// <summary>The store of files as a whole, and what is wrong with it, as <c>does not answer</c>.</summary>
    public static StoreUnavailableException OfStore(string place, string fault, Exception? cause = null) =>
        new($"the store {place} {fault}", cause) { StoreFault = fault };

    /// <summary>Null where it is not about a stored file.</summary>
    public string? BlobFault { get; private init; }

    /// <summary>Null where it is not about the store of files.</summary>
    public string? StoreFault { get; private init; }

    /// <returns>Null if the error is not one of the store, but of the statement.</returns>
    public static StoreUnavailableException? From(Exception failure) => failure switch
    {
        StoreUnavailableException already => already,
        Microsoft.EntityFrameworkCore.DbUpdateException { InnerException: { } cause } => From(cause),
        SqliteException sqlite => From(sqlite.SqliteErrorCode, sqlite),
        Npgsql.NpgsqlException postgres => PostgreSqlFaults.Of(postgres),
        InvalidOperationException { InnerException: { } cause } when cause is System.Data.Common.DbException or Microsoft.EntityFrameworkCore.DbUpdateException => From(cause),
        IOException io => new StoreUnavailableException("a file cannot be read or written", io),
        UnauthorizedAccessException denied => new StoreUnavailableException("a file may not be read or written", denied),
        _ => null,
    };

    public static StoreUnavailableException? From(int sqliteCode, Exception? cause = null)
    {
        var reason = (sqliteCode & 0xff) switch
        {
            raw.SQLITE_FULL => "the disk is full",
            raw.SQLITE_IOERR => "the disk answers with errors",
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED or raw.SQLITE_PROTOCOL => "the database is locked by another process",
            raw.SQLITE_CANTOPEN => "the database cannot be opened",
            raw.SQLITE_READONLY or raw.SQLITE_PERM => "the database may not be written",
            raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => "the database is damaged: run latchkey doctor",
            raw.SQLITE_NOMEM => "there is no memory left",
            _ => null,
        };
        return reason is null ? null : new StoreUnavailableException(reason, cause);
    }
}
