using System.Text.Json;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.RateLimits;
using Microsoft.AspNetCore.Http.Metadata;

namespace Latchkey.Server.Admin.Api;

/// <summary>
/// Stands before every endpoint of the admin API: who is it, how often, may they. What an operation
/// refuses becomes an RFC 9457 problem here.
/// </summary>
sealed class AdminDoor(RequestDelegate next, ApiKeyLookup keys, IdempotentWrites writes, BrowserSessions browsers, Settings settings, TimeProvider clock)
{
    static readonly Refusal NoKey = new(401, "MISSING_AUTHORIZATION", "Send an API key: Authorization: Bearer lka_…") { Challenge = "Bearer" };
    static readonly Refusal WrongKey = new(401, "INVALID_API_KEY", "This API key is unknown, expired or revoked") { Challenge = "Bearer error=\"invalid_token\"" };
    static readonly Refusal WrongAddress = new(403, "ADDRESS_NOT_ALLOWED", "This API key may not be used from your address");
    static readonly Refusal NotOurPage = new(400, "ANTIFORGERY_TOKEN_MISSING", "A change by a signed-in browser needs the page's antiforgery token");
    static readonly Refusal NoPermission = new(403, "FORBIDDEN", "This endpoint is open to nobody");

    readonly Budget<string> _requests = new(settings.Admin.RequestsPerMinute, clock);
    readonly Budget<ClientAddress> _failures = new(settings.RateLimit.FailuresPerMinute, clock);
    readonly RateLimitHeaders _headers = new("api-key", settings.Admin.RequestsPerMinute, clock);

    public async Task InvokeAsync(HttpContext context, AdminRequest request)
    {
        try
        {
            if (await Refused(context, request) is { } refusal) await Answer.Refuse(context, refusal);
            else await writes.Run(context, request, next);
        }
        catch (OperationException refused)
        {
            await Answer.Refuse(context, RefusalOf(refused));
        }
        catch (BadHttpRequestException bad) when (bad.StatusCode != 413)
        {
            await Answer.Refuse(context, RefusalOf(bad));
        }
    }

    async Task<Refusal?> Refused(HttpContext context, AdminRequest request)
    {
        if (await Authenticate(context, request) is { } unknown) return unknown;
        if (Limited(context, request.Actor!) is { } limited) return limited;

        // An unknown path is for EveryAnswer to tell.
        if (context.GetEndpoint() is not RouteEndpoint endpoint || endpoint.Metadata.GetMetadata<IRouteDiagnosticsMetadata>() is null) return null;
        if (endpoint.Metadata.GetMetadata<Needs>() is not { } needs) return NoPermission;
        if (needs.Permission.Length > 0 && !request.Actor!.May(needs.Permission)) return new Refusal(403, "FORBIDDEN", $"This needs the permission {needs.Permission}, which you do not have");
        if (UnknownParameter(context, endpoint) is { } parameter) return parameter;
        request.Terms = new Terms(IfMatch(context.Request));
        return null;
    }

    async ValueTask<Refusal?> Authenticate(HttpContext context, AdminRequest request)
    {
        var authorization = context.Request.Headers.Authorization;
        if (authorization.Count == 0)
        {
            request.Actor = await browsers.ActorOf(context);
            if (request.Actor is null) return NoKey;
            var isRead = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
            return isRead || await browsers.IsFromOurPages(context) ? null : NotOurPage;
        }

        var client = ClientAddress.Of(context);
        var guesses = _failures.Look(client);
        if (!guesses.Allowed)
        {
            RateLimitHeaders.SetRetryAfter(context.Response.Headers, guesses.UntilOneFree);
            return Wire.TooManyWrongKeys;
        }

        var key = authorization is [{ } single] && single.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? keys.Find(single[7..].Trim()) : null;
        if (key is null || key.IsRevoked || key.ExpiresAt <= clock.GetUtcNow())
        {
            _failures.Take(client);
            return WrongKey;
        }

        if (!key.IsGoodFrom(context.Connection.RemoteIpAddress)) return WrongAddress;
        keys.Used(key, client);
        request.Actor = new Actor(ActorKind.ApiKey, key.Id, key.Name, key.Scopes, client.ToString(), context.TraceIdentifier);
        return null;
    }

    Refusal? Limited(HttpContext context, Actor actor)
    {
        if (_requests.IsOff) return null;
        var balance = _requests.Take(actor.Reference);
        _headers.Set(context.Response.Headers, balance.Remaining, balance.UntilAllFree);
        if (balance.Allowed) return null;
        RateLimitHeaders.SetRetryAfter(context.Response.Headers, balance.UntilOneFree);
        return Wire.RateLimited;
    }

    /// <summary>A misspelled filter would silently select everything.</summary>
    static Refusal? UnknownParameter(HttpContext context, RouteEndpoint endpoint)
    {
        if (context.Request.Query.Count == 0) return null;
        var known = endpoint.Metadata.OfType<IParameterBindingMetadata>().Select(QueryName).OfType<string>().Except(endpoint.RoutePattern.Parameters.Select(p => p.Name)).ToList();
        if (context.Request.Query.Keys.All(name => known.Contains(name, StringComparer.OrdinalIgnoreCase))) return null;
        return Wire.InvalidRequest(known.Count == 0 ? "This endpoint takes no query parameters" : $"There is no query parameter of this name; there are: {string.Join(", ", known)}");
    }

    static string? QueryName(IParameterBindingMetadata parameter)
    {
        var query = parameter.ParameterInfo.GetCustomAttributes(inherit: true).OfType<IFromQueryMetadata>().FirstOrDefault();
        return query is not null ? query.Name ?? parameter.Name
            : parameter.HasTryParse || parameter.ParameterInfo.ParameterType == typeof(string) ? parameter.Name
            : null;
    }

    static string? IfMatch(HttpRequest request) =>
        request.Headers.IfMatch is [{ } tag] ? tag.StartsWith("W/", StringComparison.Ordinal) ? "weak" : tag.Trim().Trim('"') : null;

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
    static Refusal RefusalOf(BadHttpRequestException bad)
    {
        if (bad.StatusCode == 415) return Wire.UnsupportedMediaType;
        if (bad.InnerException is JsonException json && json.Path is { } path)
        {
            const string sentence = "This field is unknown, missing, given twice or of the wrong type";
            return new Refusal(400, "INVALID_REQUEST", "The request body is not what this endpoint takes") { Fields = [new FieldFault(Pointer(path), sentence)] };
        }

        return bad.InnerException is JsonException ? Wire.InvalidRequest("The request body is not valid JSON") : Wire.InvalidRequest("A parameter is missing or of the wrong type, or the body is missing");
    }

    /// <summary><c>$.domains[0]</c> is <c>/domains/0</c>.</summary>
    static string Pointer(string path) => path.TrimStart('$').Replace('.', '/').Replace("[", "/", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal) is { Length: > 0 } pointer ? pointer : "/";
}
