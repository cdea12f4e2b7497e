using System.Text.Json;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.RateLimits;
using Latchkey.Server.Telemetry;
using Microsoft.AspNetCore.Http.Metadata;

namespace Latchkey.Server.Admin.Api;

/// <summary>
/// Stands before every endpoint of the admin API: who is it, how often, may they. What an operation
/// refuses becomes an RFC 9457 problem here.
/// </summary>
sealed class AdminDoor(RequestDelegate next, ApiKeyLookup keys, IdempotentWrites writes, BrowserSessions browsers, Settings settings, TimeProvider clock)
{
    readonly Budget<string> _requests = new(settings.Admin.RequestsPerMinute, clock);
    readonly Budget<ClientAddress> _failures = new(settings.RateLimit.FailuresPerMinute, clock);
    readonly RateLimitHeaders _headers = new("api-key", settings.Admin.RequestsPerMinute, clock);

    public async Task InvokeAsync(HttpContext context, AdminRequest request)
    {
        try
        {
            if (await Refused(context, request) is { } refusal) await Answer.Refuse(context, refusal);
            else await writes.Run(context, request, next);
            if (StatusAlone(context.Response) is { } status) await Answer.Refuse(context, status);
        }
        catch (OperationException refused)
        {
            await Answer.Refuse(context, RefusalOf(refused));
        }
        catch (BadHttpRequestException bad)
        {
            await Answer.Refuse(context, RefusalOf(bad));
        }
    }

    /// <summary>What the framework refused on its own, with nothing but a status.</summary>
    static Refusal? StatusAlone(HttpResponse response) =>
        response.HasStarted || response.ContentType is not null ? null : response.StatusCode switch
        {
            413 => AdminErrors.TooLarge,
            415 => AdminErrors.NotJson,
            _ => null,
        };

    async Task<Refusal?> Refused(HttpContext context, AdminRequest request)
    {
        if (await Authenticate(context, request) is { } unknown) return unknown;
        if (Limited(context, request.Actor!) is { } limited) return limited;

        // An unknown path is for EveryAnswer to tell.
        if (context.GetEndpoint() is not RouteEndpoint endpoint || endpoint.Metadata.GetMetadata<IRouteDiagnosticsMetadata>() is null) return null;
        if (endpoint.Metadata.GetMetadata<Needs>() is not { } needs) return AdminErrors.NoPermission;
        if (needs.Permission.Length > 0 && !request.Actor!.May(needs.Permission)) return new Refusal(403, "FORBIDDEN", $"This needs the permission {needs.Permission}, which you do not have");
        if (QueryCheck.Fault(context, endpoint) is { } parameter) return parameter;
        request.Terms = new Terms(IfMatch(context.Request));
        return null;
    }

    async ValueTask<Refusal?> Authenticate(HttpContext context, AdminRequest request)
    {
        var authorization = context.Request.Headers.Authorization;
        if (authorization.Count == 0)
        {
            request.Actor = await browsers.ActorOf(context);
            if (request.Actor is null) return AdminErrors.NoKey;
            var isRead = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
            return isRead || await browsers.IsFromOurPages(context) ? null : AdminErrors.NotOurPage;
        }

        var client = ClientAddress.Of(context);
        var guesses = _failures.Look(client);
        if (!guesses.Allowed)
        {
            RateLimitHeaders.SetRetryAfter(context.Response.Headers, guesses.UntilOneFree);
            return Wire.TooManyWrongKeys;
        }

        var key = authorization is [{ } single] && single.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? await keys.Find(single[7..].Trim()) : null;
        if (key is null || key.IsRevoked || key.ExpiresAt <= clock.GetUtcNow())
        {
            _failures.Take(client);
            return AdminErrors.WrongKey;
        }

        if (!key.IsGoodFrom(context.Connection.RemoteIpAddress)) return AdminErrors.WrongAddress;
        keys.Used(key, client);
        request.Actor = new Actor(ActorKind.ApiKey, key.Id, key.Name, key.Scopes, client.ToString(), context.TraceIdentifier);
        return null;
    }

    Refusal? Limited(HttpContext context, Actor actor)
    {
        if (_requests.IsOff) return null;
        var balance = _requests.Take(actor.Reference);
        _headers.Set(context.Response.Headers, balance.Remaining, balance.UntilAllFree);
        Instruments.Limited("admin", !balance.Allowed);
        if (balance.Allowed) return null;
        RateLimitHeaders.SetRetryAfter(context.Response.Headers, balance.UntilOneFree);
        return Wire.RateLimited;
    }

    /// <summary>Null if there is no condition; else the strong tags of which one must be the state's.</summary>
    static IReadOnlyList<string>? IfMatch(HttpRequest request)
    {
        if (request.Headers.IfMatch.Count == 0) return null;
        var tags = string.Join(',', request.Headers.IfMatch.ToArray()).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return [.. tags.Where(tag => !tag.StartsWith("W/", StringComparison.Ordinal)).Select(tag => tag.Trim('"'))];
    }

    public static Refusal RefusalOf(OperationException refused) =>
        new(StatusOf(refused.Fault), refused.Code, refused.Message)
        {
            Fields = refused.Fields,

            // The message may hold what a client spelled, which is no matter for a log line.
            Cause = refused.Code,
        };

    static int StatusOf(OperationFault fault) => fault switch
    {
        OperationFault.NotFound => 404,
        OperationFault.Conflict => 409,
        OperationFault.Forbidden or OperationFault.ConfirmationNeeded => 403,
        OperationFault.PreconditionFailed => 412,
        OperationFault.TooLarge => 413,
        OperationFault.NoSpace => 507,
        _ => 422,
    };

    /// <summary>What the framework says of a request it cannot bind, without its insides.</summary>
    static Refusal RefusalOf(BadHttpRequestException bad) => bad switch
    {
        { StatusCode: 413 } => AdminErrors.TooLarge,
        { StatusCode: 415 } => AdminErrors.NotJson,
        { InnerException: JsonException json } => RequestJson.RefusalOf(json),
        { InnerException: null } when bad.Message.StartsWith("Required parameter", StringComparison.Ordinal) => Wire.InvalidRequest("The request body is missing"),
        _ => Wire.InvalidRequest("The request body could not be read"),
    };
}
