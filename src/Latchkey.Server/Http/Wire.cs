using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Latchkey.Server.Http;

/// <summary>
/// The words of the wire: the only place where a message, an <c>error_code</c> or a status of the
/// license API is spelled.
/// </summary>
static class Wire
{
    public static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public const string LicenseIsValid = "License is valid and active";
    public const string TokenGenerated = "Download token generated successfully";
    public const string UpdateAvailable = "An update is available";
    public const string UpdateWithheld = "A newer release exists, which this license may not have";
    public const string UpToDate = "This is the newest release";

    const string DeadToken = "Invalid or expired download token";

    public static readonly Refusal RateLimited = new(429, "RATE_LIMITED", "Too many requests");

    public static readonly Refusal TooManyWrongKeys = RateLimited.Because("too many wrong keys from this address");

    public static readonly Refusal MissingAuthorization =
        new(401, "MISSING_AUTHORIZATION", "Authorization header missing") { Challenge = "Bearer" };

    public static readonly Refusal MissingDomain = new(400, "MISSING_DOMAIN", "Domain is required");
    public static readonly Refusal InvalidDomain = new(400, "INVALID_DOMAIN", "Domain is not a valid host name");
    public static readonly Refusal MissingProductId = new(400, "MISSING_PRODUCT_ID", "Product ID is required");

    public static readonly Refusal InvalidProductId =
        new(400, "INVALID_PRODUCT_ID", "Product ID must be a positive integer");

    public static readonly Refusal InvalidLicense =
        new(401, "INVALID_LICENSE", "Invalid license key") { Challenge = "Bearer error=\"invalid_token\"" };

    public static readonly Refusal LicenseInactive = new(403, "LICENSE_INACTIVE", "License is inactive");
    public static readonly Refusal LicenseExpired = new(403, "LICENSE_EXPIRED", "License has expired");

    public static readonly Refusal DomainMismatch =
        new(403, "DOMAIN_MISMATCH", "Domain mismatch. License not valid for this domain.");

    public static readonly Refusal ProductIdMismatch =
        new(403, "PRODUCT_ID_MISMATCH", "Product ID mismatch. License not valid for this product.");

    public static readonly Refusal ApiDownloadDisabled =
        new(403, "API_DOWNLOAD_DISABLED", "API download is disabled for this product");

    public static readonly Refusal NoDownloadableFile =
        new(404, "NO_DOWNLOADABLE_FILE", "No downloadable file available for this product");

    /// <param name="sentence">Which rule stands in the way.</param>
    public static Refusal ReleaseNotFound(string sentence) => new(404, "RELEASE_NOT_FOUND", sentence);

    /// <param name="sentence">Which rule stands in the way.</param>
    public static Refusal NotEntitled(string sentence) => new(403, "NOT_ENTITLED", sentence);

    public static readonly Refusal InvalidDownloadToken = new(404, "INVALID_DOWNLOAD_TOKEN", DeadToken);
    public static readonly Refusal DownloadTokenExpired = new(410, "DOWNLOAD_TOKEN_EXPIRED", DeadToken);
    public static readonly Refusal DownloadTokenRevoked = DownloadTokenExpired.Because("it was revoked");
    public static readonly Refusal DownloadTokenOfYankedRelease = DownloadTokenExpired.Because("its release was yanked");
    public static readonly Refusal DownloadTokenUsed = new(410, "DOWNLOAD_TOKEN_USED", DeadToken);
    public static readonly Refusal DownloadTokenSpent = DownloadTokenUsed.Because("the file was handed over already");
    public static readonly Refusal DownloadTokenWorn = DownloadTokenUsed.Because("too many attempts");
    public static readonly Refusal DownloadTokenOverBudget = DownloadTokenUsed.Because("too much of the file was served again and again");
    public static readonly Refusal DownloadTokenOfAnother = DownloadTokenUsed.Because("another address has claimed it");
    public static readonly Refusal DownloadTokenNotThere = DownloadTokenUsed.Because("no transfer came as far as this one wants to begin");
    public static readonly Refusal DownloadTokenBusy = DownloadTokenUsed.Because("a transfer is running");
    public static readonly Refusal DownloadTokenOfDeadLicense = DownloadTokenExpired.Because("its license is not active");

    public static readonly Refusal RangeNotSatisfiable =
        new(416, "RANGE_NOT_SATISFIABLE", "The requested range lies outside the file");

    public static readonly Refusal NotFound = new(404, "NOT_FOUND", "Not found");

    public static readonly Refusal PayloadTooLarge =
        new(413, "PAYLOAD_TOO_LARGE", "The request body is larger than 16 KiB");

    public static readonly Refusal RequestTimeout =
        new(408, "REQUEST_TIMEOUT", "The request body did not come in time");

    public static readonly Refusal UnsupportedMediaType =
        new(415, "UNSUPPORTED_MEDIA_TYPE", "The request body must be JSON or a form");

    public static readonly Refusal InternalError = new(500, "INTERNAL_ERROR", "Internal error");

    public static readonly Refusal Unavailable =
        new(503, "SERVICE_UNAVAILABLE", "The service is temporarily unavailable") { RetryAfter = 5 };

    public static readonly Refusal TooManyDownloads =
        new(503, "TOO_MANY_DOWNLOADS", "Too many downloads are running") { RetryAfter = 10 };

    public static readonly Refusal TooManyDownloadsOfAddress = TooManyDownloads.Because("too many to this address");
    public static readonly Refusal TooManyDownloadsOfLicense = TooManyDownloads.Because("too many of this license");

    public static Refusal MethodNotAllowed(string allow) =>
        new(405, "METHOD_NOT_ALLOWED", "Method not allowed") { Allow = allow };

    public static Refusal InvalidRequest(string sentence) => new(400, "INVALID_REQUEST", sentence);

    public static Refusal ConflictingInput(string field) =>
        new(400, "CONFLICTING_INPUT", $"{field} is given more than once, with different values");

    /// <summary>The day in UTC, as <c>2027-12-31</c>.</summary>
    public static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>RFC 3339, UTC, six fractional digits.</summary>
    public static string Micros(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>RFC 3339, UTC, three fractional digits.</summary>
    public static string Millis(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
