using System.Text.Json.Nodes;
using Latchkey.Server.Admin.Api;
using Microsoft.AspNetCore.WebUtilities;

namespace Latchkey.Server.ApiDocs;

/// <summary>What all operations of the admin API share.</summary>
static class AdminComponents
{
    public static JsonNode Ref(string kind, string name) => new JsonObject { ["$ref"] = $"#/components/{kind}/{name}" };

    public static void AddTo(JsonObject components)
    {
        components["schemas"]!.AsObject().Add("Problem", JsonNode.Parse(ProblemSchema));
        components["securitySchemes"] = JsonNode.Parse("""{ "api_key": { "type": "http", "scheme": "bearer", "bearerFormat": "lka_…", "description": "An API key: `latchkey api-key add`. The scopes are those that an operation names." } }""");
        components["parameters"] = JsonNode.Parse(Parameters);
        components["headers"] = JsonNode.Parse(Headers);
        components["examples"] = new JsonObject(AdminErrors.All.Select(error => KeyValuePair.Create<string, JsonNode?>(error.Code, Example(error))));
    }

    public static JsonObject CommonHeaders()
    {
        var headers = new JsonObject { ["X-Request-ID"] = Ref("headers", "RequestId") };
        foreach (var (name, component) in Limits) headers[name] = Ref("headers", component);
        return headers;
    }

    static readonly (string Name, string Component)[] Limits =
        [("X-RateLimit-Limit", "Limit"), ("X-RateLimit-Remaining", "Remaining"), ("X-RateLimit-Reset", "Reset"), ("RateLimit-Policy", "Policy"), ("RateLimit", "RateLimit")];

    /// <summary>One status, with all codes that it may have there.</summary>
    public static JsonNode Problem(int status, IReadOnlyList<AdminError> errors)
    {
        var headers = CommonHeaders();
        headers["X-Error-Code"] = Ref("headers", "ErrorCode");
        if (status == 401) headers["WWW-Authenticate"] = Ref("headers", "Authenticate");
        if (status is 429 or 503) headers["Retry-After"] = Ref("headers", "RetryAfter");
        var codes = new JsonArray([.. errors.Select(error => JsonValue.Create(error.Code))]);
        return new JsonObject
        {
            ["description"] = string.Join("\n", errors.Select(error => $"- `{error.Code}`: {error.When}")),
            ["headers"] = headers,
            ["content"] = new JsonObject
            {
                ["application/problem+json"] = new JsonObject
                {
                    ["schema"] = new JsonObject
                    {
                        ["allOf"] = new JsonArray(Ref("schemas", "Problem"), new JsonObject { ["properties"] = new JsonObject { ["code"] = new JsonObject { ["enum"] = codes } } }),
                    },
                    ["examples"] = new JsonObject(errors.Select(error => KeyValuePair.Create<string, JsonNode?>(error.Code, Ref("examples", error.Code)))),
                },
            },
        };
    }

    static JsonObject Example(AdminError error)
    {
        var problem = new JsonObject
        {
            ["type"] = "about:blank",
            ["title"] = ReasonPhrases.GetReasonPhrase(error.Status),
            ["status"] = error.Status,
            ["detail"] = error.When.Replace("`", "", StringComparison.Ordinal),
            ["success"] = false,
            ["message"] = error.When.Replace("`", "", StringComparison.Ordinal),
            ["error_code"] = error.Code,
            ["code"] = error.Code,
            ["request_id"] = "0HNA8V4T1C2LQ:00000001",
        };
        if (error.Code == "VALIDATION_FAILED") problem["errors"] = JsonNode.Parse("""[{ "pointer": "/max_domains", "detail": "The number of domains must be 1 to 10000." }]""");
        if (error.Code == "INVALID_REQUEST") problem["errors"] = JsonNode.Parse("""[{ "pointer": "/product_id", "detail": "This field is missing." }]""");
        return new JsonObject { ["summary"] = error.Code, ["value"] = problem };
    }

    const string ProblemSchema = """
        {
          "type": "object",
          "description": "RFC 9457, with the fields of the license API's envelope beside. Programs go by `code`, which never changes; the sentences may.",
          "required": ["type", "title", "status", "detail", "success", "message", "error_code", "code", "request_id"],
          "properties": {
            "type": { "type": "string", "const": "about:blank" },
            "title": { "type": "string", "description": "The status in words." },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "A sentence for people." },
            "success": { "type": "boolean", "const": false },
            "message": { "type": "string", "description": "The same as `detail`." },
            "error_code": { "type": "string", "description": "The same as `code`." },
            "code": { "type": "string" },
            "request_id": { "type": "string", "description": "The same as `X-Request-ID`." },
            "errors": {
              "type": "array",
              "description": "Each wrong field or parameter.",
              "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                  "pointer": { "type": "string", "description": "A JSON pointer into the request's body, as `/domains/0`." },
                  "parameter": { "type": "string", "description": "A parameter of the path, the query or the header." },
                  "detail": { "type": "string" }
                }
              }
            }
          }
        }
        """;

    const string Parameters = """
        {
          "RequestId": { "name": "X-Request-ID", "in": "header", "description": "A name of your own for this request: 1 to 64 letters, digits, `-`, `_`, `.`, `:`. It is answered, and stands in the log and in the audit trail.", "schema": { "type": "string", "maxLength": 64 }, "example": "order-4711" },
          "IdempotencyKey": { "name": "Idempotency-Key", "in": "header", "description": "1 to 255 visible ASCII characters. The same request with the same key within 24 hours is done once, and answered as the first time. Another request with it is 422.", "schema": { "type": "string", "minLength": 1, "maxLength": 255 }, "example": "invoice-2026-000123" },
          "IfMatch": { "name": "If-Match", "in": "header", "description": "The `ETag` of the state that you have seen: if it was changed meanwhile, nothing is done, and the answer is 412.", "schema": { "type": "string" }, "example": "\"6a1f0c8e2b7d4f5a9c3e1d2b\"" },
          "ReprDigest": { "name": "Repr-Digest", "in": "header", "description": "What the file's SHA-256 is; another content is refused (RFC 9530).", "schema": { "type": "string" }, "example": "sha-256=:WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=:" }
        }
        """;

    const string Headers = """
        {
          "RequestId": { "description": "Names this request in the log and in the audit trail.", "required": true, "schema": { "type": "string" } },
          "ErrorCode": { "description": "The same as `code` in the body.", "required": true, "schema": { "type": "string" } },
          "ETag": { "description": "Names this state: send it back in `If-Match`.", "required": true, "schema": { "type": "string", "pattern": "^\"[0-9a-f]{24}\"$" } },
          "Location": { "description": "Where it is found. Not on an answer that is given again.", "schema": { "type": "string" } },
          "IdempotencyReplayed": { "description": "`true`: this is the answer to the first request with this `Idempotency-Key`; nothing was done now.", "schema": { "type": "string", "enum": ["true"] } },
          "ContentDisposition": { "required": true, "schema": { "type": "string" } },
          "Authenticate": { "required": true, "schema": { "type": "string", "enum": ["Bearer", "Bearer error=\"invalid_token\""] } },
          "RetryAfter": { "description": "Whole seconds after which trying again can help.", "required": true, "schema": { "type": "integer", "minimum": 1 } },
          "Limit": { "description": "Requests of this API key in any 60 seconds. This header and the four below are missing on 401, and where the operator set no limit.", "schema": { "type": "integer" } },
          "Remaining": { "description": "How many more fit now.", "schema": { "type": "integer", "minimum": 0 } },
          "Reset": { "description": "Unix seconds at which the full limit is free again.", "schema": { "type": "integer" } },
          "Policy": { "schema": { "type": "string" }, "example": "\"api-key\";q=600;w=60" },
          "RateLimit": { "schema": { "type": "string" }, "example": "\"api-key\";r=599;t=60" }
        }
        """;
}
