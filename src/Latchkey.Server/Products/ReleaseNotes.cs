using System.Globalization;
using System.Text.RegularExpressions;
using Ganss.Xss;
using Markdig;

namespace Latchkey.Server.Products;

/// <summary>What is new in a release, as it was written and as HTML.</summary>
sealed record ReleaseNotesText(string Markdown, string Html);

/// <summary>Notes on their way into a release.</summary>
/// <param name="Text">Of which the HTML is empty if they cannot be had.</param>
/// <param name="Fault">Why they cannot, in a sentence; null if they can.</param>
sealed record ReadNotes(ReleaseNotesText Text, string? Fault);

/// <summary>
/// Notes in Markdown, as HTML that is safe wherever it is shown: no script, no style, no picture, links to the web
/// alone, in full: what is relative leads elsewhere on every page that shows it, in the panel to the panel.
/// </summary>
static partial class ReleaseNotes
{
    public const int MaxLength = 10_000;

    const string TooDeep = "The notes cannot be read as Markdown: lists, quotations or brackets are nested too deeply.";

    static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder().UseAutoLinks().UsePipeTables().DisableHtml().Build();

    /// <summary>Takes its time where much is nested: not to be done within a transaction.</summary>
    public static ReadNotes Read(string markdown)
    {
        if (markdown.Length > MaxLength) return new ReadNotes(new ReleaseNotesText(markdown, ""), string.Create(CultureInfo.InvariantCulture, $"The notes must be at most {MaxLength:N0} characters."));
        try
        {
            return new ReadNotes(new ReleaseNotesText(markdown, ToHtml(markdown)), null);
        }
        catch (ArgumentException)
        {
            // What Markdig has to say of its limit.
            return new ReadNotes(new ReleaseNotesText(markdown, ""), TooDeep);
        }
    }

    static string ToHtml(string markdown) => markdown.Length == 0 ? "" : Sanitizer().Sanitize(Markdown.ToHtml(markdown, Pipeline)).Trim();

    /// <summary>The same with headings two levels lower: for a page that has its own above.</summary>
    public static string BelowHeadings(string html) => Heading().Replace(html, heading => $"<{heading.Groups[1]}h{Math.Min(6, heading.Groups[2].ValueSpan[0] - '0' + 2)}>");

    [GeneratedRegex("<(/?)h([1-6])>")]
    private static partial Regex Heading();

    /// <summary>As browsers read it: <c>https:page</c> is relative too.</summary>
    [GeneratedRegex(@"\A(https?://[^/\\]|mailto:)", RegexOptions.IgnoreCase)]
    private static partial Regex WholeLink();

    static HtmlSanitizer Sanitizer()
    {
        var sanitizer = new HtmlSanitizer(Options());
        sanitizer.FilterUrl += (_, link) =>
        {
            if (!WholeLink().IsMatch(link.OriginalUrl)) link.SanitizedUrl = null;
        };
        return sanitizer;
    }

    static HtmlSanitizerOptions Options() => new()
    {
        AllowedTags = new HashSet<string>(["h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "a", "table", "thead", "tbody", "tr", "th", "td"]),
        AllowedAttributes = new HashSet<string>(["href", "start"]),
        AllowedSchemes = new HashSet<string>(["https", "http", "mailto"]),
        UriAttributes = new HashSet<string>(["href"]),
    };
}
