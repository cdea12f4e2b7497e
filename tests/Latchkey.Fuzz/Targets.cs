using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using CsvHelper;
using Latchkey.Server.Data;
using Latchkey.Server.Downloads;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;

namespace Latchkey.Fuzz;

/// <summary>An input for which a rule does not hold.</summary>
sealed class BrokenRuleException(string rule) : Exception(rule);

/// <summary>What reads texts of strangers: any input at all, and what must hold for it. An exception is a finding.</summary>
static partial class Targets
{
    public static readonly IReadOnlyDictionary<string, Action<byte[]>> All = new Dictionary<string, Action<byte[]>>
    {
        ["host"] = Host,
        ["request"] = Request,
        ["version"] = Version,
        ["range"] = Range,
        ["csv"] = Csv,
        ["notes"] = Notes,
    };

    static void Must(bool holds, string rule)
    {
        if (!holds) throw new BrokenRuleException(rule);
    }

    static string Text(byte[] input) => Encoding.UTF8.GetString(input);

    /// <summary>The first lines, and what comes behind them.</summary>
    static (string[] Lines, byte[] Behind) Lines(byte[] input, int count)
    {
        var lines = new string[count];
        var from = 0;
        for (var i = 0; i < count; i++)
        {
            var end = Array.IndexOf(input, (byte)'\n', Math.Min(from, input.Length));
            if (end < 0) end = input.Length;
            lines[i] = Encoding.Latin1.GetString(input.AsSpan(Math.Min(from, end)..end));
            from = end + 1;
        }

        return (lines, input[Math.Min(from, input.Length)..]);
    }

    static void Host(byte[] input)
    {
        var text = Text(input);
        if (CanonicalHost.Of(text) is { } host)
        {
            Must(CanonicalHost.Of(host) == host, "a canonical host is its own canonical host");
            Must(IsHost(host), "it is a host name or an address");
            Must(CanonicalHost.OfPattern(host) == host, "a host is a pattern that covers itself");
            Must(CanonicalHost.Covers(host, host), "a host covers itself");
            Must(CanonicalHost.Of($"https://user@{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:8443/path?x=1#y") == host, "a URL of it means it");
            Must(!host.StartsWith("www.", StringComparison.Ordinal), "www. is the same site");
        }

        if (CanonicalHost.OfPattern(text) is not { } pattern) return;
        Must(CanonicalHost.OfPattern(pattern) == pattern, "a canonical pattern is its own canonical pattern");
        if (!pattern.StartsWith("*.", StringComparison.Ordinal)) return;
        Must(!CanonicalHost.Covers(pattern, pattern[2..]), "a wildcard does not cover the name itself");
        Must(CanonicalHost.Covers(pattern, "a." + pattern[2..]) && CanonicalHost.Covers(pattern, "a.b." + pattern[2..]), "a wildcard covers any depth");
        Must(!CanonicalHost.Covers(pattern, "a" + pattern[2..]), "a wildcard covers whole labels");
    }

    static bool IsHost(string host) => System.Net.IPAddress.TryParse(host, out var address)
        ? address.ToString() == host
        : host.Length <= 253 && host.Split('.').All(label => label.Length is >= 1 and <= 63 && label[0] != '-' && label[^1] != '-'
            && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'));

    /// <summary>Content type, query string, X-Domain, X-Product-ID, each a line; then the body.</summary>
    static void Request(byte[] input)
    {
        var (lines, body) = Lines(input, 4);
        var (first, second) = (Read(lines, body), Read(lines, body));
        Must(first.ToString() == second.ToString(), "the same request is read in the same way");
        if (first.Refused is { } refused)
        {
            Must(refused.Status is 400 or 401 or 415, $"a refusal, not {refused.Status}");
            return;
        }

        Must(CanonicalHost.Of(first.Host) == first.Host, "the host is canonical");
        Must(first.ProductId > 0 && first.Key == "KEY", "key and product are there");
        var wish = first.Release;
        Must(wish.Version is null || Versions.Lenient(wish.Version.ToString()) == wish.Version, "the version can be read again");
        Must(new[] { wish.Channel, wish.Platform, wish.Arch }.All(label => label is null || Label.Of(label) == label), "labels are as they are kept");
        Must(!wish.IsEmpty || !NamesVersion(lines[1]), "a version that is named is not forgotten");
    }

    static bool NamesVersion(string query) => Plain().IsMatch(query);

    [GeneratedRegex("^[?]version=[0-9]")]
    private static partial Regex Plain();

    static LicenseRequest Read(string[] lines, byte[] body)
    {
        var request = new DefaultHttpContext().Request;
        request.Headers.Authorization = "Bearer KEY";
        if (lines[0].Length > 0) request.ContentType = lines[0];
        if (lines[1].StartsWith('?')) request.QueryString = new QueryString(lines[1]);
        if (lines[2].Length > 0) request.Headers["X-Domain"] = lines[2];
        if (lines[3].Length > 0) request.Headers["X-Product-ID"] = lines[3];
        (request.Body, request.ContentLength) = (new MemoryStream(body, writable: false), body.Length);
        try
        {
            return LicenseRequest.Read(request, aboutRelease: true).AsTask().GetAwaiter().GetResult();
        }
        catch (BadHttpRequestException failure) when (failure.StatusCode == 413 && body.Length > Server.Http.RequestFields.MaxBody)
        {
            return default(LicenseRequest) with { Refused = Server.Http.Wire.UnsupportedMediaType };
        }
    }

    /// <summary>Versions, one a line.</summary>
    static void Version(byte[] input)
    {
        var texts = Text(input).Split('\n').Take(3).ToList();
        foreach (var text in texts)
        {
            if (Versions.Strict(text) is { } strict)
            {
                Must(strict.ToString() == text, "what a vendor spells is kept as it is");
                Must(Versions.Lenient(text) == strict, "a client may spell it as the vendor does");
            }

            if (Versions.Lenient(text) is { } version) Must(Versions.Strict(version.ToString()) == version, "what is written is read again");
        }

        var read = texts.Select(Versions.Lenient).OfType<Semver.SemVersion>().ToList();
        foreach (var a in read)
        {
            Must(Versions.Compare(a, a) == 0, "a version is as old as itself");
            foreach (var b in read)
            {
                Must(Math.Sign(Versions.Compare(a, b)) == -Math.Sign(Versions.Compare(b, a)), "older one way is newer the other way");
                foreach (var c in read) Must(Versions.Compare(a, b) > 0 || Versions.Compare(b, c) > 0 || Versions.Compare(a, c) <= 0, "there is one order");
            }
        }
    }

    /// <summary>Range and If-Range, each a line.</summary>
    static void Range(byte[] input)
    {
        var (lines, _) = Lines(input, 2);
        foreach (var size in new[] { 1, 10, 65_537, long.MaxValue / 2 })
        {
            var file = new Artifact { FileName = "a", ContentType = "b", Sha256 = [0xab], BlobId = "c", Size = size };
            if (Part(lines[0], lines[1], file) is not { } part) continue;
            Must(part.From >= 0 && part.Length > 0 && part.From <= size - part.Length && part.Size == size, "a part of the file");
            Must(part.IsWhole == (part == ByteRange.Whole(file)) && part.ReachesEnd == (part.From + part.Length == size), "it knows where it ends");
            var again = Part($"bytes={part.ContentRange["bytes ".Length..part.ContentRange.IndexOf('/', StringComparison.Ordinal)]}", "", file);
            Must(again == part, "what it says of itself asks for the same");
        }
    }

    static ByteRange? Part(string range, string ifRange, Artifact file)
    {
        var request = new DefaultHttpContext().Request;
        if (range.Length > 0) request.Headers.Range = range;
        if (ifRange.Length > 0) request.Headers.IfRange = ifRange;
        return ByteRange.Of(request, file, "\"store\"");
    }

    static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    static List<ImportLine> Import(string text) => new ImportLines(new HashSet<long> { 1, 7 }, key => SHA256.HashData(Encoding.UTF8.GetBytes(key)), hash => hash[0] == 0, Now).Read(new StringReader(text));

    static void Csv(byte[] input)
    {
        List<ImportLine> lines;
        try
        {
            lines = Import(Text(input));
        }
        catch (ImportException failure)
        {
            Must(failure.Message.StartsWith("line ", StringComparison.Ordinal) && failure.Message.EndsWith('.'), "a fault names its line, and the last sentence says that nothing was imported");
            return;
        }

        foreach (var line in lines)
        {
            Must(line.Product is 1 or 7 && LicenseKey.IsWellFormed(line.Key) && line.Hash[0] != 0, "product and key are good");
            Must(line.Host is null || CanonicalHost.OfPattern(line.Host) == line.Host, "the domain is canonical");
            Must(line.User is null or (>= 0 and <= WholeNumber.Most), "the customer's number is one");
            Must(line.Channel is null || Label.Of(line.Channel) == line.Channel, "the channel is one");
            Must(new[] { line.Expires, line.Created, line.UpdatesUntil }.All(time => time is null || (time.Value.Offset == TimeSpan.Zero && time.Value.Ticks % TimeSpan.TicksPerMicrosecond == 0)), "times are UTC, in whole microseconds");
        }

        Must(lines.Select(line => line.Key).Distinct(StringComparer.Ordinal).Count() == lines.Count, "a key stands there once");
        Must(Import(Written(lines)).Select(Told).SequenceEqual(lines.Select(Told)), "what is written is read again");
    }

    static string Told(ImportLine line) => $"{line with { Hash = [] }}".Replace("System.Byte[]", "", StringComparison.Ordinal);

    static string Written(IEnumerable<ImportLine> lines)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        using (var csv = new CsvWriter(text, CultureInfo.InvariantCulture))
        {
            foreach (var title in new[] { "product_id", "license_key", "domain", "user_id", "expires_at", "created_at", "updates_until", "channel" }) csv.WriteField(title);
            foreach (var line in lines)
            {
                csv.NextRecord();
                csv.WriteField(line.Product);
                csv.WriteField(line.Key);
                csv.WriteField(line.Host);
                csv.WriteField(line.User);
                foreach (var time in new[] { line.Expires, line.Created, line.UpdatesUntil }) csv.WriteField(time is { } at ? Server.Http.Wire.Micros(at) : "");
                csv.WriteField(line.Channel);
            }
        }

        return text.ToString();
    }

    static readonly HashSet<string> Elements = ["h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "a", "table", "thead", "tbody", "tr", "th", "td"];

    static void Notes(byte[] input)
    {
        var read = ReleaseNotes.Read(Text(input));
        Must(read.Fault is null || read.Text.Html.Length == 0, "notes that cannot be had have no HTML");
        foreach (var html in new[] { read.Text.Html, ReleaseNotes.BelowHeadings(read.Text.Html) })
        {
            var body = Harmless(html);

            // What a browser writes is harmless when a browser reads it once more.
            Harmless(body.InnerHtml);
        }
    }

    static IHtmlElement Harmless(string html)
    {
        var page = new HtmlParser().ParseDocument(html);
        Must(page.Head!.ChildNodes.Length == 0, "nothing is in the head");
        foreach (var element in page.Body!.QuerySelectorAll("*"))
        {
            Must(Elements.Contains(element.LocalName), $"no element {element.LocalName}");
            foreach (var attribute in element.Attributes)
            {
                Must((attribute.Name == "start" && element.LocalName == "ol") || (attribute.Name == "href" && element.LocalName == "a" && WholeLink().IsMatch(attribute.Value)), $"no {attribute.Name}=\"{attribute.Value}\" of {element.LocalName}");
            }
        }

        return page.Body;
    }

    [GeneratedRegex(@"\A(https?://[^/\\]|mailto:)", RegexOptions.IgnoreCase)]
    private static partial Regex WholeLink();
}
