using System.Globalization;
using Latchkey.Server.Http;
using Latchkey.Server.Products;
using Microsoft.Extensions.Primitives;

namespace Latchkey.Server.Licenses;

/// <summary>What a protected request asks: a key, a canonical host, a product, and where it is about a release, which. Or the first refusal.</summary>
readonly record struct LicenseRequest(string Key, string Host, long ProductId, ReleaseWish Release, Refusal? Refused)
{
    /// <summary>A client that sends its key as its domain shall find it neither in our log nor in our tables.</summary>
    public bool HostIsKey => Host.Equals(Key, StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads header, body and query in the contract's order of checks.</summary>
    /// <param name="request">As it came.</param>
    /// <param name="aboutRelease">It may say which release; elsewhere these fields mean nothing.</param>
    public static async ValueTask<LicenseRequest> Read(HttpRequest request, bool aboutRelease = false)
    {
        var headers = request.Headers;
        if (headers.Authorization.Count > 1) return No(Wire.InvalidRequest("Send exactly one Authorization header"));
        if (BearerKey(headers.Authorization) is not { } key) return No(Wire.MissingAuthorization);

        var body = HasBody(request) ? await RequestFields.Read(request) : RequestFields.None;
        if (body.Refused is { } unreadable) return No(unreadable);

        var domain = new Given("domain");
        domain.Add(Texts(headers["X-Domain"]), CanonicalDomain);
        domain.Add(body["domain"], CanonicalDomain);
        var product = new Given("product_id");
        product.Add(headers["X-Product-ID"], CanonicalNumber);
        product.Add(body["product_id"], CanonicalNumber);
        if (request.QueryString.HasValue)
        {
            domain.Add(request.Query["domain"], CanonicalDomain);
            product.Add(request.Query["product_id"], CanonicalNumber);
        }

        if (domain.Conflicts) return No(Wire.ConflictingInput(domain.Name));
        if (product.Conflicts) return No(Wire.ConflictingInput(product.Name));
        var release = aboutRelease ? ReleaseWish.Read(body, request.Query) : default;
        if (release.Refused is { } unclear) return No(unclear);
        if (!domain.Any) return No(Wire.MissingDomain);
        if (domain.Meaning is not { } host) return No(Wire.InvalidDomain);
        if (!product.Any) return No(Wire.MissingProductId);
        if (product.Meaning is not { } number) return No(Wire.InvalidProductId);
        return new LicenseRequest(key, host, long.Parse(number, CultureInfo.InvariantCulture), release, null);
    }

    static LicenseRequest No(Refusal refusal) => new("", "", 0, default, refusal);

    static bool HasBody(HttpRequest request) => request.ContentLength is > 0 || request.Headers.TransferEncoding.Count > 0;

    /// <summary>The scheme is Bearer in any case; white space around the key is not part of it.</summary>
    static string? BearerKey(StringValues authorization)
    {
        const string scheme = "Bearer";
        if (authorization.Count == 0 || authorization[0] is not { } value) return null;
        var text = value.AsSpan().Trim();
        if (text.Length <= scheme.Length || !text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) return null;
        if (!char.IsWhiteSpace(text[scheme.Length])) return null;
        return text[scheme.Length..].Trim().ToString();
    }

    /// <summary>Header bytes arrive as Latin-1, so that no byte is lost; a host name in UTF-8 is meant as UTF-8.</summary>
    static StringValues Texts(StringValues values)
    {
        if (values.Count == 0 || values.All(value => System.Text.Ascii.IsValid(value))) return values;
        return values.Select(HeaderText.Utf8).ToArray();
    }

    static string? CanonicalDomain(string text) => CanonicalHost.Of(text);

    /// <summary>A positive integer as plain digits, or null.</summary>
    static string? CanonicalNumber(string text) =>
        long.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number.ToString(CultureInfo.InvariantCulture)
            : null;
}
