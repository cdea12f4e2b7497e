using System.Globalization;
using Latchkey.Server.Http;
using Microsoft.Extensions.Primitives;

namespace Latchkey.Server.Licenses;

/// <summary>What a protected request asks: a key, a canonical host, a product. Or the first refusal.</summary>
readonly record struct LicenseRequest(string Key, string Host, long ProductId, Refusal? Refused)
{
    /// <summary>A client that sends its key as its domain shall find it neither in our log nor in our tables.</summary>
    public bool HostIsKey => Host.Equals(Key, StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads header, body and query in the contract's order of checks.</summary>
    public static async ValueTask<LicenseRequest> Read(HttpRequest request)
    {
        var headers = request.Headers;
        if (headers.Authorization.Count > 1) return No(Wire.InvalidRequest("Send exactly one Authorization header"));
        if (BearerKey(headers.Authorization) is not { } key) return No(Wire.MissingAuthorization);

        var body = HasBody(request) ? await RequestFields.Read(request) : RequestFields.None;
        if (body.Refused is { } unreadable) return No(unreadable);

        var domain = new Given("domain");
        domain.Add(Texts(headers["X-Domain"]), CanonicalDomain);
        domain.Add(body.Domain, CanonicalDomain);
        var product = new Given("product_id");
        product.Add(headers["X-Product-ID"], CanonicalNumber);
        product.Add(body.ProductId, CanonicalNumber);
        if (request.QueryString.HasValue)
        {
            domain.Add(request.Query["domain"], CanonicalDomain);
            product.Add(request.Query["product_id"], CanonicalNumber);
        }

        if (domain.Conflicts) return No(Wire.ConflictingInput(domain.Name));
        if (product.Conflicts) return No(Wire.ConflictingInput(product.Name));
        if (!domain.Any) return No(Wire.MissingDomain);
        if (domain.Meaning is not { } host) return No(Wire.InvalidDomain);
        if (!product.Any) return No(Wire.MissingProductId);
        if (product.Meaning is not { } number) return No(Wire.InvalidProductId);
        return new LicenseRequest(key, host, long.Parse(number, CultureInfo.InvariantCulture), null);
    }

    static LicenseRequest No(Refusal refusal) => new("", "", 0, refusal);

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

    /// <summary>One value out of several places: they must all mean the same.</summary>
    struct Given(string name)
    {
        string? _text;

        public string Name => name;
        public string? Meaning { get; private set; }
        public bool Conflicts { get; private set; }
        public readonly bool Any => _text is not null;

        public void Add(StringValues values, Func<string, string?> meaningOf)
        {
            for (var i = 0; i < values.Count; i++) Add(values[i], meaningOf);
        }

        public void Add(string? text, Func<string, string?> meaningOf)
        {
            if (string.IsNullOrEmpty(text)) return;
            var meaning = meaningOf(text);
            if (_text is null) (_text, Meaning) = (text, meaning);
            else if (Meaning != meaning || (meaning is null && _text != text)) Conflicts = true;
        }
    }
}
