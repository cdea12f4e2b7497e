using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.Api;

/// <summary>
/// <c>Idempotency-Key</c>: the same write sent twice happens once. The answer is stored in the write's own
/// transaction, so that neither a race nor a crash makes two of one.
/// </summary>
sealed class IdempotentWrites(DataDirectory data, TimeProvider clock)
{
    public const string Header = "Idempotency-Key";
    // A day is promised; another, for a clock that jumps by one.
    static readonly TimeSpan Kept = TimeSpan.FromDays(2);

    readonly record struct Name(string Actor, string Key, byte[] Fingerprint);

    /// <summary>Runs the request, or answers as the first time.</summary>
    public async Task Run(HttpContext context, AdminRequest request, RequestDelegate next)
    {
        if (!IsWrite(context.Request.Method) || context.GetEndpoint() is not RouteEndpoint || context.Request.Headers[Header] is not { Count: > 0 } given)
        {
            await next(context);
            return;
        }

        if (given.Count != 1 || given[0] is not { Length: > 0 and <= 255 } key || !key.All(c => c is > ' ' and < '\x7f'))
        {
            await Answer.Refuse(context, AdminErrors.BadKey);
            return;
        }

        if (IsUpload(context) && context.Request.Headers["Repr-Digest"].Count == 0)
        {
            await Answer.Refuse(context, AdminErrors.NoDigest);
            return;
        }

        var name = new Name(request.Actor!.Reference, key, await Fingerprint(context));

        // Whoever has to confirm first is told so by the operation, also where the first answer holds what it shows.
        if (request.Actor.IsConfirmed && await AnswerAgain(context, name)) return;
        var status = context.GetEndpoint()?.Metadata.OfType<IProducesResponseTypeMetadata>().FirstOrDefault(answer => answer.StatusCode is >= 200 and < 300)?.StatusCode ?? 200;
        request.Terms = request.Terms with { Once = (db, answer) => Keep(db, name, status, answer) };
        try
        {
            await next(context);
        }
        catch (Exception failure) when (MayBeOfTheFirst(failure) && !context.Response.HasStarted && Find(name) is not null)
        {
            // The same request was quicker: this one was undone, or refused because of what that one made.
            await AnswerAgain(context, name);
        }
    }

    static bool MayBeOfTheFirst(Exception failure) =>
        failure is DbUpdateException or OperationException { Fault: not (OperationFault.Forbidden or OperationFault.ConfirmationNeeded) };

    static bool IsUpload(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<StreamsBody>() is not null;

    static bool IsWrite(string method) => HttpMethods.IsPost(method) || HttpMethods.IsPut(method) || HttpMethods.IsPatch(method) || HttpMethods.IsDelete(method);

    async Task<bool> AnswerAgain(HttpContext context, Name name)
    {
        if (Find(name) is not { } stored) return false;
        if (!stored.Fingerprint.AsSpan().SequenceEqual(name.Fingerprint))
        {
            await Answer.Refuse(context, AdminErrors.Reused);
            return true;
        }

        var text = data.Secrets.Open(stored.Body, stored.Fingerprint);
        var tag = text.IndexOf('\n', StringComparison.Ordinal);
        if (tag > 0) context.Response.Headers.ETag = text[..tag];
        context.Response.StatusCode = stored.Status;
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers["Idempotency-Replayed"] = "true";
        await context.Response.WriteAsync(text[(tag + 1)..]);
        return true;
    }

    IdempotentAnswer? Find(Name name)
    {
        using var db = data.Database.OpenContext();
        var since = clock.GetUtcNow() - Kept;
        return db.IdempotentAnswers.AsNoTracking().SingleOrDefault(a => a.Actor == name.Actor && a.Key == name.Key && a.CreatedAt > since);
    }

    void Keep(LatchkeyDb db, Name name, int status, object answer)
    {
        var now = clock.GetUtcNow();
        var old = now - Kept;
        db.IdempotentAnswers.Where(a => a.CreatedAt <= old).ExecuteDelete();
        db.Add(new IdempotentAnswer
        {
            Actor = name.Actor,
            Key = name.Key,
            Fingerprint = name.Fingerprint,
            Status = status,
            Body = data.Secrets.Seal($"{EntityTags.Of(answer)}\n{JsonSerializer.Serialize(answer, answer.GetType(), SnakeJson.Options)}", name.Fingerprint),
            CreatedAt = now,
        });
    }

    /// <summary>Of an upload, its length and digest stand for the body, which is not read twice; that the body has this digest is seen when it is stored.</summary>
    static async Task<byte[]> Fingerprint(HttpContext context)
    {
        var request = context.Request;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method} {request.Path}{request.QueryString} "));
        if (IsUpload(context))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{request.ContentLength} {request.Headers["Repr-Digest"]}"));
            return hash.GetHashAndReset();
        }

        // The server's own limit is 1 MiB.
        request.EnableBuffering(bufferThreshold: 1 << 20, bufferLimit: 2 << 20);
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, context.RequestAborted);
        request.Body.Position = 0;
        hash.AppendData(body.ToArray());
        return hash.GetHashAndReset();
    }
}
