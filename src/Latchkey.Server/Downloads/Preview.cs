using System.Text.RegularExpressions;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Latchkey.Server.Downloads;

/// <summary>Who looks at a link without wanting the file: browsers that look ahead, chat programs and mail scanners, and people before they press the button.</summary>
static partial class Preview
{
    /// <summary>What the page's button adds to the link.</summary>
    public const string Start = "start";

    /// <summary>
    /// Programs that fetch links to show what is behind them, by what they call themselves, at the beginning of a word.
    /// Most ask for HTML; these do not always.
    /// </summary>
    [GeneratedRegex(
        @"(?:^|[\s(;,])(?:facebookexternalhit|Facebot|meta-externalagent|Twitterbot|Slackbot|Slack-ImgProxy|Discordbot|TelegramBot|WhatsApp|LinkedInBot|"
        + "SkypeUriPreview|MicrosoftPreview|Mattermost|Rocket\\.Chat|Mastodon|Iframely|Embedly|redditbot|Pinterestbot|vkShare|Viber|"
        + "Googlebot|Google-PageRenderer|GoogleImageProxy|bingbot|BingPreview|Applebot|YandexBot|DuckDuckBot|Baiduspider|SafeLinks|Barracuda)",
        RegexOptions.IgnoreCase)]
    private static partial Regex Bots();

    /// <summary>Web applications name their site, which may be called anything.</summary>
    [GeneratedRegex(@"https?://\S*")]
    private static partial Regex Addresses();

    /// <summary>A browser that looks ahead; it shall come back when a person asks.</summary>
    public static bool IsPrefetch(HttpRequest request) =>
        Says(request.Headers["Sec-Purpose"]) || Says(request.Headers["Purpose"]) || Says(request.Headers["X-Purpose"]) || Says(request.Headers["X-Moz"]);

    static bool Says(StringValues purpose) =>
        purpose.Any(value => value is not null
            && (value.Contains("prefetch", StringComparison.OrdinalIgnoreCase) || value.Contains("preview", StringComparison.OrdinalIgnoreCase)
                || value.Contains("prerender", StringComparison.OrdinalIgnoreCase)));

    /// <summary>A browser that follows the link, and not yet the button; or a program that shows what is behind a link, whatever it follows.</summary>
    public static bool WantsPage(HttpRequest request) =>
        IsBot(request) || (NamesHtml(request) && request.Headers.Range.Count == 0 && !request.Query.ContainsKey(Start));

    static bool IsBot(HttpRequest request)
    {
        var agent = request.Headers.UserAgent.ToString();
        return agent.Length > 0 && Bots().IsMatch(Addresses().Replace(agent, ""));
    }

    /// <summary>
    /// As browsers do: by its name, with XHTML beside it or nothing else. <c>*/*</c> is what clients send that take what they
    /// get; some runtimes of installers (Java, Indy) put <c>text/html</c> before it, without meaning it.
    /// </summary>
    static bool NamesHtml(HttpRequest request)
    {
        if (request.Headers.Accept.Count == 0 || !MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var types)) return false;
        var wanted = types.Where(type => type.Quality is null or > 0).ToList();
        return wanted.Any(type => Is(type, "text/html")) && (wanted.Any(type => Is(type, "application/xhtml+xml")) || !wanted.Any(type => type.MatchesAllTypes || Is(type, "*")));
    }

    static bool Is(MediaTypeHeaderValue type, string name) => type.MediaType.Equals(name, StringComparison.OrdinalIgnoreCase);
}
