using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Latchkey.Server.Licenses;

/// <summary>
/// One spelling for each host. Clients send what they have (<c>https://www.Example.com:8443/shop/</c>);
/// all spellings of a site become the same text (<c>example.com</c>). Idempotent; never throws.
/// Sources: RFC 1123 (host names), UTS-46 (international names), RFC 5952 (IPv6), the WHATWG URL
/// standard (what counts as an IPv4 address).
/// </summary>
static class CanonicalHost
{
    /// <summary>Of the canonical name; RFC 1035.</summary>
    public const int MaxLength = 253;

    // A URL may be long; a host is not. Beyond this nothing is looked at.
    const int MaxInput = 2048;

    static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true, AllowUnassigned = false };

    /// <returns>The canonical host, or null if <paramref name="text"/> names none.</returns>
    public static string? Of(string? text)
    {
        if (text is null or { Length: 0 or > MaxInput }) return null;
        var host = Authority(text);
        return host.IsEmpty ? null : Canonical(host);
    }

    /// <summary>As <see cref="Of"/>, but a leading <c>*.</c> stands for any depth of subdomain.</summary>
    public static string? OfPattern(string? text)
    {
        if (text is null || !text.StartsWith("*.", StringComparison.Ordinal)) return Of(text);
        var name = Name(text.AsSpan(2), keepWww: true);
        return name is null || IPAddress.TryParse(name, out _) ? null : "*." + name;
    }

    /// <param name="pattern">What a license holds: a canonical host, or <c>*.</c> before one.</param>
    /// <param name="host">A canonical host.</param>
    public static bool Covers(string pattern, string host) =>
        pattern.StartsWith("*.", StringComparison.Ordinal)
            ? host.Length > pattern.Length - 1 && host.AsSpan().EndsWith(pattern.AsSpan(1), StringComparison.Ordinal)
            : pattern.Equals(host, StringComparison.Ordinal);

    /// <summary>Drops scheme, path, query, fragment, user info.</summary>
    static ReadOnlySpan<char> Authority(ReadOnlySpan<char> text)
    {
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme > 0 && IsScheme(text[..scheme])) text = text[(scheme + 3)..];
        else if (text.StartsWith("//", StringComparison.Ordinal)) text = text[2..];
        var end = text.IndexOfAny('/', '?', '#');

        // "https:/example.com" lacks a slash: "https" is not the host that was meant.
        if (end > 0 && text[end] == '/' && text[end - 1] == ':') return default;
        if (end >= 0) text = text[..end];

        // Browsers end the host at a backslash, most other readers do not: it has no one meaning.
        if (text.Contains('\\')) return default;
        return text[(text.LastIndexOf('@') + 1)..];
    }

    static bool IsScheme(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.')) return false;
        }

        return char.IsAsciiLetter(text[0]);
    }

    static string? Canonical(ReadOnlySpan<char> host)
    {
        if (host[0] == '[') return Bracketed(host);
        if (host.Count(':') > 1) return Ip6(host);
        var colon = host.IndexOf(':');
        if (colon >= 0)
        {
            if (!IsPort(host[(colon + 1)..])) return null;
            host = host[..colon];
        }

        return Name(host, keepWww: false);
    }

    static string? Bracketed(ReadOnlySpan<char> host)
    {
        var close = host.IndexOf(']');
        if (close < 0) return null;
        var rest = host[(close + 1)..];
        if (!rest.IsEmpty && (rest[0] != ':' || !IsPort(rest[1..]))) return null;
        return Ip6(host[1..close]);
    }

    static bool IsPort(ReadOnlySpan<char> text) =>
        text.IsEmpty || (text.Length <= 5
            && ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    static string? Ip6(ReadOnlySpan<char> text)
    {
        // A zone (fe80::1%eth0) means something on one machine only.
        if (text.ContainsAny('%', '[', '/') || !IPAddress.TryParse(text, out var address)) return null;
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return null;
        return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
    }

    static string? Name(ReadOnlySpan<char> host, bool keepWww)
    {
        var name = System.Text.Ascii.IsValid(host) && !HasPunycode(host) ? host.ToString() : Ascii(host);
        if (name is null) return null;
        if (name.EndsWith('.')) name = name[..^1];
        name = name.ToLowerInvariant();
        if (!IsHostName(name)) return null;
        if (EndsInNumber(name)) return Ip4(name);
        while (!keepWww && name.StartsWith("www.", StringComparison.Ordinal)) name = name[4..];
        return name;
    }

    static bool HasPunycode(ReadOnlySpan<char> host) => host.Contains("xn--", StringComparison.OrdinalIgnoreCase);

    /// <summary>UTS-46, non-transitional. Twice, since what comes out must be what would come out again.</summary>
    static string? Ascii(ReadOnlySpan<char> host)
    {
        try
        {
            var once = Idn.GetAscii(host.ToString()).ToLowerInvariant();
            return HasPunycode(once) && Idn.GetAscii(Idn.GetUnicode(once)) != once ? null : once;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Letters, digits and inner hyphens in labels of 1 to 63, 253 characters in all.</summary>
    static bool IsHostName(string name)
    {
        if (name.Length is 0 or > MaxLength) return false;
        var start = 0;
        for (var i = 0; i <= name.Length; i++)
        {
            if (i < name.Length && name[i] != '.')
            {
                if (!char.IsAsciiLetterLower(name[i]) && !char.IsAsciiDigit(name[i]) && name[i] != '-') return false;
                continue;
            }

            if (i == start || i - start > 63 || name[start] == '-' || name[i - 1] == '-') return false;
            start = i + 1;
        }

        return true;
    }

    /// <summary>Where browsers see an IPv4 address or nothing: the last label is a number, decimal or 0x.</summary>
    static bool EndsInNumber(string name)
    {
        var last = name.AsSpan(name.LastIndexOf('.') + 1);
        if (last.StartsWith("0x", StringComparison.Ordinal)) return !last[2..].ContainsAnyExcept(Hex);
        return !last.ContainsAnyExceptInRange('0', '9');
    }

    static readonly System.Buffers.SearchValues<char> Hex = System.Buffers.SearchValues.Create("0123456789abcdef");

    static string? Ip4(string name) =>
        IPAddress.TryParse(name, out var address) && address.AddressFamily == AddressFamily.InterNetwork
            ? address.ToString()
            : null;
}
