using System.Globalization;
using System.Net;

namespace Latchkey.Server.Configuration;

/// <summary>Reads settings one by one and gathers every fault, so that an operator mends them in one go.</summary>
sealed class SettingsReader(IConfiguration sources)
{
    readonly List<string> _known = [];
    readonly List<(string Name, object? Otherwise)> _asked = [];

    public List<string> Faults { get; } = [];

    /// <summary>The settings that were asked for, and what each is if nobody sets it.</summary>
    public IReadOnlyList<(string Name, object? Otherwise)> Asked => _asked;

    /// <summary>The settings that were asked for, and the places of those that are lists.</summary>
    public IReadOnlyList<string> Known => _known;

    public string Text(string name, string otherwise) => Given(name, otherwise) ?? otherwise;

    public string? TextOrNull(string name) => Given(name, null);

    /// <summary>What is wrong with settings that are right one by one, in a sentence.</summary>
    public void Add(string fault) => Faults.Add(fault);

    public int Whole(string name, int otherwise, int least, int most, string? note = null) => (int)Long(name, otherwise, least, most, note);

    public long Long(string name, long otherwise, long least, long most, string? note = null)
    {
        if (Given(name, otherwise) is not { } text) return otherwise;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value >= least && value <= most)
        {
            return value;
        }

        var allowed = string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}");
        Fault(name, text, note is null ? allowed : $"{allowed} ({note})");
        return otherwise;
    }

    public TimeSpan Duration(string name, TimeSpan otherwise, TimeSpan least, TimeSpan most)
    {
        if (Given(name, otherwise) is not { } text) return otherwise;
        if (text.Contains(':', StringComparison.Ordinal)
            && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
        {
            return value;
        }

        Fault(name, text, string.Create(
            CultureInfo.InvariantCulture, $"a duration as d.hh:mm:ss or hh:mm:ss, from {least:c} to {most:c}"));
        return otherwise;
    }

    public string OneOf(string name, string otherwise, params string[] allowed)
    {
        if (Given(name, otherwise) is not { } text) return otherwise;
        if (allowed.FirstOrDefault(a => a.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } value) return value;
        Fault(name, text, "one of " + string.Join(", ", allowed));
        return otherwise;
    }

    /// <param name="name">Of the setting.</param>
    /// <param name="otherwise">Null: none.</param>
    public string[] Urls(string name, string? otherwise)
    {
        if ((Given(name, otherwise) ?? otherwise) is not { } text) return [];
        var urls = text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (urls.Length > 0 && urls.All(IsListenUrl)) return urls;
        Fault(name, text, "http:// and an address of this machine, as http://127.0.0.1:8080 or http://*:8080, several with ';' between"
            + " (for https, put a reverse proxy in front)");
        return otherwise is null ? [] : [otherwise];
    }

    // "http://*:80" and "http://+:80" are Kestrel's spelling of every interface, and no URI. It would take
    // any other name for every interface too, without a word.
    static bool IsListenUrl(string url) =>
        url.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        && Uri.TryCreate(url.Replace("//*", "//localhost", StringComparison.Ordinal).Replace("//+", "//localhost", StringComparison.Ordinal),
            UriKind.Absolute, out var uri)
        && (uri.Host == "localhost" || uri.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6)
        && uri.AbsolutePath == "/";

    public Uri? PublicUrl(string name) => HttpUrl(name, "the http:// or https:// address that customers reach, as https://licenses.example.com");

    public Uri? HttpUrl(string name, string allowed)
    {
        if (Given(name, null) is not { } text) return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            && url.Query.Length == 0 && url.Fragment.Length == 0 && url.UserInfo.Length == 0)
        {
            return url;
        }

        Fault(name, text, allowed);
        return null;
    }

    public IPNetwork[] Networks(string name)
    {
        _known.Add(name);
        _asked.Add((name, null));
        var networks = new List<IPNetwork>();
        foreach (var entry in sources.GetSection(name).GetChildren())
        {
            _known.Add($"{name}:{entry.Key}");
            if (ParseNetwork(entry.Value) is { } network) networks.Add(network);
            else Fault($"{name}:{entry.Key}", entry.Value ?? "", "an address or a CIDR network, as 10.0.0.5 or 10.0.0.0/8");
        }

        foreach (var single in (sources[name] ?? "").Split([',', ' ', ';'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (ParseNetwork(single) is { } network) networks.Add(network);
            else Fault(name, single, "addresses or CIDR networks, as 10.0.0.5 or 10.0.0.0/8, with commas between");
        }

        return [.. networks];
    }

    static IPNetwork? ParseNetwork(string? text)
    {
        if (IPNetwork.TryParse(text, out var network)) return network;
        if (!IPAddress.TryParse(text, out var address)) return null;
        return new IPNetwork(address, address.GetAddressBytes().Length * 8);
    }

    /// <summary>Settings given in our own sources that nothing reads: most likely misspelled.</summary>
    public IReadOnlyList<string> Unknown() =>
        [.. sources.AsEnumerable()
            .Where(pair => pair.Value is not null)
            .Select(pair => pair.Key)
            .Where(key => !_known.Contains(key, StringComparer.OrdinalIgnoreCase))
            .Order(StringComparer.OrdinalIgnoreCase)];

    string? Given(string name, object? otherwise)
    {
        _known.Add(name);
        _asked.Add((name, otherwise));
        return sources[name] is { } text && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;
    }

    void Fault(string name, string text, string allowed) => Faults.Add($"{name} is \"{text}\", but must be {allowed}.");
}
