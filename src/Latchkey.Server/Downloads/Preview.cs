using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Latchkey.Server.Downloads;

/// <summary>Who looks at a link without wanting the file: browsers that look ahead, chat programs and mail scanners, and people before they press the button.</summary>
static class Preview
{
    /// <summary>What the page's button adds to the link.</summary>
    public const string Start = "start";

    // Programs that fetch links to show what is behind them, by what they call themselves. Most ask for HTML; these do not always.
    static readonly string[] Bots =
    [
        "facebookexternalhit", "Facebot", "meta-externalagent", "Twitterbot", "Slackbot", "Slack-ImgProxy", "Discordbot", "TelegramBot", "WhatsApp", "LinkedInBot",
        "SkypeUriPreview", "MicrosoftPreview", "Mattermost", "Rocket.Chat", "Mastodon", "Iframely", "Embedly", "redditbot", "Pinterestbot", "vkShare", "Viber",
        "Googlebot", "Google-PageRenderer", "GoogleImageProxy", "bingbot", "BingPreview", "Applebot", "YandexBot", "DuckDuckBot", "Baiduspider", "SafeLinks", "Barracuda",
    ];

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
        return agent.Length > 0 && Bots.Any(bot => agent.Contains(bot, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>By its name: <c>*/*</c> is what clients send that take what they get.</summary>
    static bool NamesHtml(HttpRequest request) =>
        request.Headers.Accept.Count > 0 && MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var types)
        && types.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase) && type.Quality is null or > 0);
}
