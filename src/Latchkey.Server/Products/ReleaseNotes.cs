using System.Text.RegularExpressions;
using Ganss.Xss;
using Markdig;

namespace Latchkey.Server.Products;

/// <summary>What is new in a release, as it was written and as HTML.</summary>
sealed record ReleaseNotesText(string Markdown, string Html);

/// <summary>
/// Notes in Markdown, as HTML that is safe wherever it is shown: no script, no style, no picture, links to the web
/// alone, in full: what is relative leads elsewhere on every page that shows it, in the panel to the panel.
/// </summary>
static partial class ReleaseNotes
{
    public const int MaxLength = 50_000;

    static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder().UseAutoLinks().UsePipeTables().DisableHtml().Build();

    public static string ToHtml(string markdown) => markdown.Length == 0 ? "" : Sanitizer().Sanitize(Markdown.ToHtml(markdown, Pipeline)).Trim();

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
