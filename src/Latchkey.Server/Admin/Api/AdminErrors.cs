using System.Collections.Frozen;
using Latchkey.Server.Http;

namespace Latchkey.Server.Admin.Api;

/// <summary>One way in which the admin API says no: a stable code, its status, and when it is answered.</summary>
sealed record AdminError(string Code, int Status, string When);

/// <summary>The codes an operation answers beside those that all operations of its kind have.</summary>
sealed record Refuses(IReadOnlyList<string> Codes);

/// <summary>Every code of the admin API: what the documents and their test go by.</summary>
static class AdminErrors
{
    public static readonly Refusal NoKey = new(401, "MISSING_AUTHORIZATION", "Send an API key: Authorization: Bearer lka_…") { Challenge = "Bearer" };
    public static readonly Refusal WrongKey = new(401, "INVALID_API_KEY", "This API key is unknown, expired or revoked") { Challenge = "Bearer error=\"invalid_token\"" };
    public static readonly Refusal WrongAddress = new(403, "ADDRESS_NOT_ALLOWED", "This API key may not be used from your address");
    public static readonly Refusal NotOurPage = new(400, "ANTIFORGERY_TOKEN_MISSING", "A change by a signed-in browser needs the page's antiforgery token");
    public static readonly Refusal NoPermission = new(403, "FORBIDDEN", "This endpoint is open to nobody");
    public static readonly Refusal TooLarge = new(413, "PAYLOAD_TOO_LARGE", "The request body is larger than 1 MiB");
    public static readonly Refusal NotJson = new(415, "UNSUPPORTED_MEDIA_TYPE", "The request body must be JSON: Content-Type: application/json");
    public static readonly Refusal BadKey = new(400, "INVALID_IDEMPOTENCY_KEY", "Idempotency-Key must be 1 to 255 visible ASCII characters, given once");
    public static readonly Refusal NoDigest = new(400, "DIGEST_REQUIRED", "An upload with an Idempotency-Key needs Repr-Digest: it tells one file from another before it is read");
    public static readonly Refusal Reused = new(422, "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was used for another request in the last 24 hours: take a new one");

    public static IReadOnlyList<AdminError> All { get; } =
    [
        new("INVALID_REQUEST", 400, "The body is not JSON, or a field is unknown, missing, given twice or of the wrong type: `errors` points to it. Or a query parameter does not exist."),
        new("INVALID_IDEMPOTENCY_KEY", 400, "`Idempotency-Key` is empty, too long, given twice, or not visible ASCII."),
        new("DIGEST_REQUIRED", 400, "An upload has an `Idempotency-Key` and no `Repr-Digest`."),
        new("ANTIFORGERY_TOKEN_MISSING", 400, "Only with the cookie of a signed-in operator: the page's token is missing."),
        new("MISSING_AUTHORIZATION", 401, "No `Authorization` header."),
        new("INVALID_API_KEY", 401, "The API key is unknown, expired or revoked."),
        new("FORBIDDEN", 403, "The API key does not have the scope."),
        new("ADDRESS_NOT_ALLOWED", 403, "The API key may not be used from this address."),
        new("CONFIRMATION_REQUIRED", 403, "Only with the cookie of a signed-in operator: the password or second factor must be given again first."),
        new("NOT_FOUND", 404, "There is no such path."),
        new("PRODUCT_NOT_FOUND", 404, "There is no product with this id."),
        new("RELEASE_NOT_FOUND", 404, "There is no release with this id, or none of what was named."),
        new("ARTIFACT_NOT_FOUND", 404, "There is no file with this id."),
        new("CUSTOMER_NOT_FOUND", 404, "There is no customer with this number."),
        new("LICENSE_NOT_FOUND", 404, "There is no license with this id."),
        new("DOMAIN_NOT_BOUND", 404, "The license is not bound to this domain."),
        new("DOWNLOAD_TOKEN_NOT_FOUND", 404, "There is no download link with this id; they are forgotten some time after they have expired."),
        new("API_KEY_NOT_FOUND", 404, "There is no API key with this id."),
        new("OPERATOR_NOT_FOUND", 404, "There is no operator with this id."),
        new("INVITATION_NOT_FOUND", 404, "There is no open link with this id."),
        new("METHOD_NOT_ALLOWED", 405, "The path does not take this method; `Allow` names those it takes."),
        new("REQUEST_TIMEOUT", 408, "The body did not come in time."),
        new("PRODUCT_EXISTS", 409, "The id you chose is taken."),
        new("PRODUCT_ARCHIVED", 409, "Nothing new is issued for an archived product."),
        new("RELEASE_EXISTS", 409, "The product has a release of this version."),
        new("RELEASE_PUBLISHED", 409, "What is published stays as it is: publish another version, and yank this one if it is a mistake."),
        new("RELEASE_NOT_PUBLISHED", 409, "It is a draft."),
        new("RELEASE_YANKED", 409, "The release was yanked: take that back, or publish another version."),
        new("RELEASE_WITHOUT_FILE", 409, "The release has no file yet: add one first."),
        new("ARTIFACT_EXISTS", 409, "The release has a file for this platform and architecture, or one of this kind beside it."),
        new("NOT_ENTITLED", 409, "The license may not have this release: its updates have ended, or it is on another channel."),
        new("CUSTOMER_EXISTS", 409, "The number you chose is taken."),
        new("CUSTOMER_HAS_LICENSES", 409, "A customer who has licenses cannot be forgotten."),
        new("KEY_EXISTS", 409, "There is, or was, a license with this key."),
        new("LICENSE_REVOKED", 409, "A revoked license stays revoked: issue a new one."),
        new("LICENSE_NOT_ACTIVE", 409, "A link for a license that is suspended, revoked or expired would not work."),
        new("DOMAIN_LIMIT_REACHED", 409, "All places for domains are taken."),
        new("DOMAINS_BOUND", 409, "More domains are bound than would be left places: unbind some first."),
        new("NO_DOWNLOADABLE_FILE", 409, "The product has no published file yet."),
        new("DOWNLOAD_FINISHED", 409, "The file has been handed over: there is nothing to revoke."),
        new("OPERATOR_EXISTS", 409, "There is an operator with this e-mail address already."),
        new("LAST_OWNER", 409, "It is the last owner who can sign in: make another one first."),
        new("PRECONDITION_FAILED", 412, "`If-Match` names another state: it was changed meanwhile."),
        new("PAYLOAD_TOO_LARGE", 413, "The body is larger than 1 MiB."),
        new("FILE_TOO_LARGE", 413, "The file is larger than the operator's `Uploads:MaxBytes`."),
        new("UNSUPPORTED_MEDIA_TYPE", 415, "The body is not of the type `application/json`."),
        new("VALIDATION_FAILED", 422, "A value cannot be: `errors` points to each wrong field or parameter."),
        new("IDEMPOTENCY_KEY_REUSED", 422, "The `Idempotency-Key` was used for another request within 24 hours."),
        new("RATE_LIMITED", 429, "Too many requests with this API key, or too many wrong API keys from this address."),
        new("INTERNAL_ERROR", 500, "Nobody foresaw it. Tell the operator the `X-Request-ID`."),
        new("SERVICE_UNAVAILABLE", 503, "The disk is full or failing, the database is locked, or too many searches and exports wait for their turn. Nothing was changed."),
        new("NO_SPACE", 507, "The disk has no room for the file."),
    ];

    public static IReadOnlyDictionary<string, AdminError> ByCode { get; } = All.ToFrozenDictionary(error => error.Code);

    /// <exception cref="KeyNotFoundException">A code is none of ours.</exception>
    public static TBuilder Refuses<TBuilder>(this TBuilder endpoint, params string[] codes)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new Refuses([.. codes.Select(code => ByCode[code].Code)]));
}
