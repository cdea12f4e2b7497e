using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Latchkey.Server.Blobs;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.Access;

/// <summary>What a request asks of its change, beside the change: both are kept or broken together with it.</summary>
/// <param name="IfMatch">Entity tags, without quotes, of which one names the state that is to be changed; null: any state.</param>
/// <param name="Once">Called inside the transaction, with what will be answered.</param>
sealed record Terms(IReadOnlyList<string>? IfMatch = null, Action<LatchkeyDb, object>? Once = null);

/// <summary>One operation: who does it, on which database, and how a change is made.</summary>
sealed class UnitOfWork : IDisposable
{
    readonly bool _ownsConnection;
    readonly Terms _terms;

    UnitOfWork(DataDirectory data, LatchkeyDb db, bool ownsConnection, TimeProvider clock, Actor actor, Terms terms)
    {
        (Db, Database, _ownsConnection, _terms, Clock, Actor) = (db, data.Database, ownsConnection, terms, clock, actor);
        (Secrets, Blobs, BlobHealth, LimitsHealth, DataPath) = (data.Secrets, data.Blobs, data.BlobHealth, data.LimitsHealth, data.Path);
    }

    public LatchkeyDb Db { get; }
    public Database Database { get; }

    /// <summary>For the few statements that are too many for EF Core.</summary>
    public DbConnection Connection
    {
        get
        {
            // Taken once, it stays open until the end of the operation.
            var connection = Db.Database.GetDbConnection();
            if (connection.State != System.Data.ConnectionState.Open) Db.Database.OpenConnection();
            return connection;
        }
    }

    public Secrets Secrets { get; }

    /// <summary>The data directory.</summary>
    public string DataPath { get; }

    public IBlobStore Blobs { get; }
    public BlobHealth BlobHealth { get; }
    public RateLimits.LimitsHealth LimitsHealth { get; }
    public TimeProvider Clock { get; }
    public Actor Actor { get; }
    public DateTimeOffset Now => Clock.GetUtcNow();

    public static UnitOfWork Open(DataDirectory data, TimeProvider clock, Actor actor, Terms? terms = null) =>
        new(data, data.Database.OpenContext(), ownsConnection: true, clock, actor, terms ?? new Terms());

    /// <summary>On a context that Identity works with too, so that both are in one transaction; its owner disposes of it.</summary>
    public static UnitOfWork Over(LatchkeyDb db, DataDirectory data, TimeProvider clock, Actor actor) =>
        new(data, db, ownsConnection: false, clock, actor, new Terms());

    /// <exception cref="OperationException">The actor may not; or must confirm first, where that is asked for.</exception>
    public void Require(string permission, bool confirmed = false)
    {
        if (!Actor.May(permission))
        {
            throw new OperationException($"This needs the permission {permission}, which {Actor.Name} does not have.") { Fault = OperationFault.Forbidden, Code = "FORBIDDEN" };
        }

        if (confirmed && !Actor.IsConfirmed)
        {
            throw new OperationException("Confirm with your password or second factor first.") { Fault = OperationFault.ConfirmationNeeded, Code = "CONFIRMATION_REQUIRED" };
        }
    }

    /// <summary>A change of one resource: its state before is held against <c>If-Match</c>, and what changed is audited, all in one transaction.</summary>
    /// <param name="action">As <c>license.rotate</c>: the resource's kind stands before the dot.</param>
    /// <param name="look">The state as it is.</param>
    /// <param name="change">Makes the change; returns the state since, or the very state before if it is gone.</param>
    /// <param name="id">The resource's own id, of its state.</param>
    public T Change<T>(string action, Func<T?> look, Func<T?, T> change, Func<T, object> id)
        where T : class
    {
        using var transaction = Database.Begin(Db);
        var before = look();
        RequireMatch(before);
        var after = change(before);
        Db.SaveChanges();
        Note(action, id(after).ToString(), before, ReferenceEquals(before, after) ? null : after);
        _terms.Once?.Invoke(Db, after);
        Db.SaveChanges();
        transaction.Commit();
        return after;
    }

    void RequireMatch(object? before)
    {
        if (_terms.IfMatch is not { } expected || expected.Contains("*") || (before is not null && expected.Contains(EntityTag(before)))) return;
        throw new OperationException("It was changed meanwhile: read it again, and decide anew.") { Fault = OperationFault.PreconditionFailed, Code = "PRECONDITION_FAILED" };
    }

    /// <summary>Adds to the audit trail what is different between two states; the caller saves.</summary>
    public void Note(string action, string? id, object? before = null, object? after = null)
    {
        var (was, isNow) = Difference(before, after);
        Db.Add(new AuditEntry
        {
            At = Now,
            ActorKind = Actor.Kind,
            ActorId = Actor.Id,
            ActorName = Actor.Name,
            Action = action,
            ObjectKind = action.Split('.')[0],
            ObjectId = id,
            Before = was,
            After = isNow,
            Address = Actor.Address,
            RequestId = Actor.RequestId,
        });
    }

    /// <summary>As <see cref="Note"/>, the same of many, in one statement: mints wait meanwhile.</summary>
    public void NoteEach(string action, IReadOnlyList<long> ids, object before, object after)
    {
        var (was, isNow) = Difference(before, after);
        using var session = new WriteSession(Database, Connection);
        session.Execute(
            $"""
            INSERT INTO audit (at, actor_kind, actor_id, actor_name, action, object_kind, object_id, before, after, address, request_id)
            SELECT $2, $3, $4, $5, $6, $7, object_id, $8, $9, $10, $11 FROM ({Database.Dialect.Rows("object_id text")}) AS changed
            """,
            JsonSerializer.Serialize(ids.Select(id => new[] { id.ToString(CultureInfo.InvariantCulture) })), UnixMicroseconds.From(Now), (int)Actor.Kind, Actor.Id, Actor.Name,
            action, action.Split('.')[0], was, isNow, Actor.Address, Actor.RequestId);
    }

    /// <summary>As <see cref="Note"/>, saved at once: for what changes nothing else.</summary>
    public void Record(string action, string? id, object? after = null)
    {
        Note(action, id, null, after);
        Db.SaveChanges();
    }

    /// <summary>As <see cref="Record"/>, that somebody took a list away.</summary>
    /// <param name="action">As <c>license.export</c>.</param>
    /// <param name="filter">What it was narrowed by, without what was searched for: that may be a key.</param>
    /// <param name="searched">Something was searched for.</param>
    public void RecordExport(string action, object filter, bool searched)
    {
        var given = State(filter)!.Where(pair => pair.Value is not null).ToDictionary(pair => pair.Key, pair => pair.Value!.DeepClone());
        Record(action, null, new { Filter = given, Searched = searched });
    }

    static (string? Before, string? After) Difference(object? before, object? after) => AuditDifference.Of(State(before), State(after));

    static JsonObject? State(object? resource) =>
        resource is null ? null : JsonSerializer.SerializeToNode(resource, resource.GetType(), SnakeJson.State)!.AsObject();

    /// <summary>Names the state of a resource; another state has another name.</summary>
    public static string EntityTag(object resource) =>
        Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(resource, resource.GetType(), SnakeJson.State)).AsSpan(0, 12));

    public void Dispose()
    {
        if (!_ownsConnection) return;
        Db.Dispose();
    }
}
