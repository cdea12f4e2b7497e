using Latchkey.Server.Data;
using Latchkey.Server.Telemetry;
using Microsoft.AspNetCore.Connections;

namespace Latchkey.Server.Http;

/// <summary>
/// What every answer has in common: a request id, the no-store headers, and the envelope around
/// whatever went wrong, foreseen or not. It stands first, so nothing gets past it.
/// </summary>
sealed partial class EveryAnswer(RequestDelegate next, Configuration.Settings settings, TimeProvider clock, ILogger<EveryAnswer> log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        Prepare(context);
        RequestTelemetry.Begin();
        var connection = context.Features.Get<OpenConnection>();
        connection?.Works();
        using var body = TimedBody.Of(context, connection, settings.Connections.BodyTimeout, clock);
        var isGone = false;
        try
        {
            // Kestrel takes "Head" for a method with a body, and whoever looks without regard to case leaves it out.
            if (HttpMethods.IsHead(context.Request.Method) && context.Request.Method != HttpMethods.Head) await Answer.Refuse(context, Wire.MethodNotAllowed("GET, HEAD"));
            else await next(context);
            if (context.Response.StatusCode >= 400) await Enclose(context);
        }
        catch (Exception gone) when (gone is ConnectionResetException || (gone is OperationCanceledException && context.RequestAborted.IsCancellationRequested))
        {
            // There is nobody to answer.
            isGone = true;
        }
        catch (Exception failure)
        {
            await AnswerFailure(context, failure);
        }

        var note = context.Items.TryGetValue(typeof(RefusalNote), out var noted) ? (RefusalNote)noted! : null;
        RequestTelemetry.Note(context, note?.Refusal, isGone);
        if (note is not null) LogRefusal(context, note);
        connection?.Waits();
    }

    static void Prepare(HttpContext context)
    {
        var headers = context.Response.Headers;
        if (GivenId(context.Request) is { } id) context.TraceIdentifier = id;
        headers["X-Request-ID"] = context.TraceIdentifier;
        headers.CacheControl = "no-store, private";
        headers.Pragma = "no-cache";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
    }

    /// <summary>The client's own <c>X-Request-ID</c> if it is one token of letters, digits, <c>-_.:</c>; else Kestrel's stands.</summary>
    static string? GivenId(HttpRequest request)
    {
        var given = request.Headers["X-Request-ID"];
        return given.Count == 1 && given[0] is { Length: > 0 and <= 64 } id && IsSane(id) && !IsSecret(request, id) ? id : null;
    }

    /// <summary>Request ids are logged: a key or a token is none.</summary>
    static bool IsSecret(HttpRequest request, string id)
    {
        if (id.Length < 8) return false;
        if (id.Length == 64 && id.All(char.IsAsciiHexDigit)) return true;
        if (request.Path.Value!.Contains(id, StringComparison.OrdinalIgnoreCase)) return true;
        foreach (var authorization in request.Headers.Authorization)
        {
            var key = authorization.AsSpan().Trim();
            key = key[(key.IndexOf(' ') + 1)..].Trim();
            if (!key.IsEmpty && (key.Contains(id, StringComparison.Ordinal) || id.AsSpan().Contains(key, StringComparison.Ordinal))) return true;
        }

        return false;
    }

    static bool IsSane(string id)
    {
        foreach (var c in id)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or ':')) return false;
        }

        return true;
    }

    /// <summary>Routing answers 404 with no body: give it the envelope.</summary>
    static Task Enclose(HttpContext context)
    {
        var response = context.Response;
        if (response.HasStarted || response.ContentLength is not null || response.ContentType is not null)
        {
            return Task.CompletedTask;
        }

        return Answer.Refuse(context, response.StatusCode switch
        {
            404 => Wire.NotFound,
            405 => Wire.MethodNotAllowed(response.Headers.Allow.ToString()),
            408 => Wire.RequestTimeout,
            413 => Wire.PayloadTooLarge,
            415 => Wire.UnsupportedMediaType,
            < 500 => Wire.InvalidRequest("The request could not be read"),
            _ => Wire.InternalError,
        });
    }

    async Task AnswerFailure(HttpContext context, Exception failure)
    {
        var refusal = failure switch
        {
            BadHttpRequestException { StatusCode: 413 } => Wire.PayloadTooLarge,
            BadHttpRequestException { StatusCode: 408 } => Wire.RequestTimeout,
            BadHttpRequestException => Wire.InvalidRequest("The request body could not be read"),
            Npgsql.PostgresException { SqlState: Npgsql.PostgresErrorCodes.CharacterNotInRepertoire } => Wire.InvalidRequest("A text has a NUL character in it"),
            _ => StoreUnavailableException.From(failure) is null ? Wire.InternalError : Wire.Unavailable,
        };
        if (refusal.Status == 503) Unavailable(StoreUnavailableException.From(failure)!.Message, context.TraceIdentifier);
        if (refusal.Status == 500) Unforeseen(failure, context.TraceIdentifier);
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        // The rest of the body is not waited for.
        if (refusal.Status == 408) context.Response.Headers.Connection = "close";
        await Answer.Refuse(context, refusal);
    }

    // Numbers stay numbers in the log's JSON.
    static readonly object Unknown = "-";

    /// <summary>Only what is ours or canonical: nothing a client spelled reaches the log.</summary>
    void LogRefusal(HttpContext context, RefusalNote note)
    {
        if (!log.IsEnabled(LogLevel.Information)) return;
        var refusal = note.Refusal;
        var endpoint = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText?.Split('{')[0].TrimEnd('/') ?? "-";
        Refused(refusal.Status, refusal.Code, refusal.Cause ?? refusal.Message, endpoint, note.License ?? Unknown, note.Domain ?? "-",
            note.Product ?? Unknown, context.Connection.RemoteIpAddress?.ToString() ?? "-", context.TraceIdentifier);
    }

    [LoggerMessage(3, LogLevel.Information, "Refused {Status} {Code} ({Reason}) at {Endpoint}: license {LicenseId}, domain {Domain}, product {ProductId}, address {Address}, request {RequestId}")]
    partial void Refused(int status, string code, string reason, string endpoint, object licenseId, string domain, object productId, string address, string requestId);

    [LoggerMessage(1, LogLevel.Error, "Answered 500: request {RequestId} failed in a way that nobody foresaw")]
    partial void Unforeseen(Exception failure, string requestId);

    [LoggerMessage(2, LogLevel.Error, "Answered 503: {Reason}; request {RequestId}")]
    partial void Unavailable(string reason, string requestId);
}
