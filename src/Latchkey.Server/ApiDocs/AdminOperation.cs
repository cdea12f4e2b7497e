using System.Text.Json.Nodes;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Http.Metadata;

namespace Latchkey.Server.ApiDocs;

/// <summary>Completes one operation of the document.</summary>
sealed class AdminOperation(JsonObject written, RouteEndpoint endpoint, string method, string path)
{
    static readonly string[] Always = ["MISSING_AUTHORIZATION", "INVALID_API_KEY", "ADDRESS_NOT_ALLOWED", "INVALID_REQUEST", "RATE_LIMITED", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE"];
    static readonly string[] OfWrites = ["ANTIFORGERY_TOKEN_MISSING", "CONFIRMATION_REQUIRED", "INVALID_IDEMPOTENCY_KEY", "IDEMPOTENCY_KEY_REUSED", "PRECONDITION_FAILED"];
    static readonly string[] OfBodies = ["REQUEST_TIMEOUT", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"];

    readonly bool _isWrite = method != "get";
    readonly bool _isUpload = endpoint.Metadata.GetMetadata<StreamsBody>() is not null;
    readonly string _permission = endpoint.Metadata.GetMetadata<Needs>()?.Permission ?? throw new InvalidOperationException($"{method} {path} names no permission");

    public void Complete()
    {
        written["description"] = _permission.Length == 0 ? "Any API key." : $"Scope: `{_permission}`.";
        if (_permission.Length > 0) written["security"] = new JsonArray(new JsonObject { ["api_key"] = new JsonArray(_permission) });
        Parameters();
        Body();
        Success();
        Errors();
    }

    void Parameters()
    {
        var parameters = written["parameters"]?.AsArray() ?? [];
        foreach (var schema in parameters.Where(parameter => (string?)parameter!["name"] == "limit").Select(parameter => parameter!["schema"]!.AsObject()))
        {
            (schema["minimum"], schema["maximum"]) = (1, PageRequest.MaxLimit);
        }

        foreach (var schema in parameters.Where(parameter => (string?)parameter!["name"] == "sort").Select(parameter => parameter!["schema"]!.AsObject()))
        {
            var sorts = endpoint.Metadata.GetMetadata<Sorts>()?.Values ?? throw new InvalidOperationException($"{method} {path} does not say what it sorts by");
            (schema["enum"], schema["default"]) = (new JsonArray([.. sorts.Select(sort => JsonValue.Create(sort))]), sorts[0]);
        }

        parameters.Add(AdminComponents.Ref("parameters", "RequestId"));
        if (_isWrite) parameters.Add(AdminComponents.Ref("parameters", "IdempotencyKey"));
        if (_isWrite) parameters.Add(AdminComponents.Ref("parameters", "IfMatch"));
        if (_isUpload) parameters.Add(AdminComponents.Ref("parameters", "ReprDigest"));
        written["parameters"] = parameters;
    }

    void Body()
    {
        if (_isUpload)
        {
            written["requestBody"] = new JsonObject
            {
                ["description"] = "The file as it is, under any Content-Type: `curl -T file`.",
                ["required"] = true,
                ["content"] = new JsonObject { ["*/*"] = new JsonObject() },
            };
        }
        else if (written["requestBody"] is { } body)
        {
            var type = endpoint.Metadata.GetMetadata<IAcceptsMetadata>()!.RequestType!;
            if (AdminExamples.Of(type) is { } example) body["content"]!["application/json"]!["example"] = example;
        }
    }

    void Success()
    {
        foreach (var (status, response) in written["responses"]!.AsObject())
        {
            var type = endpoint.Metadata.OfType<IProducesResponseTypeMetadata>().First(answer => answer.StatusCode.ToString(System.Globalization.CultureInfo.InvariantCulture) == status).Type;
            var headers = AdminComponents.CommonHeaders();
            if (typeof(IResource).IsAssignableFrom(type)) headers["ETag"] = AdminComponents.Ref("headers", "ETag");
            if (status == "201") headers["Location"] = AdminComponents.Ref("headers", "Location");
            if (_isWrite) headers["Idempotency-Replayed"] = AdminComponents.Ref("headers", "IdempotencyReplayed");
            if (type == typeof(string)) headers["Content-Disposition"] = AdminComponents.Ref("headers", "ContentDisposition");
            response!["headers"] = headers;
            response["description"] = status == "201" ? "Made." : "Done.";
            if (type is not null && response["content"]?["application/json"] is JsonObject content && AdminExamples.Of(type) is { } example) content["example"] = example;
        }
    }

    void Errors()
    {
        var hasValues = written["requestBody"] is not null || (written["parameters"]!.AsArray().Any(parameter => (string?)parameter!["in"] == "query"));
        IEnumerable<string> codes = Always;
        if (_permission.Length > 0) codes = codes.Append("FORBIDDEN");
        if (_isWrite) codes = codes.Concat(OfWrites);
        if (_isUpload) codes = codes.Append("DIGEST_REQUIRED").Append("REQUEST_TIMEOUT");
        if (written["requestBody"] is not null && !_isUpload) codes = codes.Concat(OfBodies);
        if (hasValues || path.Contains("{domain}", StringComparison.Ordinal)) codes = codes.Append("VALIDATION_FAILED");
        codes = codes.Concat(endpoint.Metadata.OfType<Refuses>().SelectMany(refuses => refuses.Codes));
        foreach (var status in codes.Distinct().Select(code => AdminErrors.ByCode[code]).GroupBy(error => error.Status).OrderBy(status => status.Key))
        {
            written["responses"]!.AsObject().Add(status.Key.ToString(System.Globalization.CultureInfo.InvariantCulture), AdminComponents.Problem(status.Key, [.. status]));
        }
    }
}
