using System.Net;
using System.Security.Cryptography;
using Latchkey.Server.Products;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Downloads;

/// <summary>Who looks at a link without wanting the file.</summary>
public sealed class DownloadPageTests : IAsyncLifetime
{
    const string Browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";

    readonly byte[] _file = RandomNumberGenerator.GetBytes(100_000);
    TestServer _server = null!;
    string _path = "";

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.Run();
        var key = _server.Issue(_server.AddProduct("<b>Ink & Paper</b>").Id, "example.com").LicenseKey!;
        _server.Publish(1, _file, "<i>pro&duct.zip", "2.4.1");
        _path = await _server.Http.MintPathOf(key, "example.com", 1);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    async Task<Reply> Page(params (string, string)[] headers)
    {
        var reply = await _server.Http.Get(_path, headers);
        Assert.Equal((200, "text/html; charset=utf-8"), (reply.Status, reply.Header("Content-Type")));
        return reply;
    }

    async Task AssertUnspent() => Assert.Equal(_file, (await _server.Http.Get(_path, ("Accept", "*/*"))).Bytes);

    [Theory]
    [InlineData(Browser)]
    [InlineData("text/html")]
    [InlineData("text/html,application/xhtml+xml")]
    public async Task A_browser_sees_what_it_is_and_a_button(string accept)
    {
        var page = await Page(("Accept", accept));
        var text = WebUtility.HtmlDecode(page.Text);
        Assert.All(
            ["<b>Ink & Paper</b>", "Version 2.4.1", "<i>pro&duct.zip", "97.7 KiB (100,000 bytes)", Convert.ToHexStringLower(SHA256.HashData(_file)), "2 January 2026, 00:00 UTC"],
            part => Assert.Contains(part, text));
        Assert.DoesNotContain("<b>", page.Text);
        Assert.DoesNotContain("<i>", page.Text);
        Assert.Equal("no-store, private", page.Header("Cache-Control"));
        Assert.Equal("no-referrer", page.Header("Referrer-Policy"));
        Assert.Equal("Accept", page.Header("Vary"));
        Assert.StartsWith("default-src 'none'; style-src 'sha256-", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        await AssertUnspent();
    }

    [Fact]
    public async Task The_button_starts_the_download_though_the_browser_asks_for_html()
    {
        var reply = await _server.Http.Get(_path + "?start=1", ("Accept", Browser));
        Assert.Equal(_file, reply.Bytes);
        var again = await _server.Http.Get(_path, ("Accept", Browser));
        Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), (again.Status, again.Code));
    }

    /// <summary>However often, and before and after each other.</summary>
    [Theory]
    [InlineData("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Browser)]
    [InlineData("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "*/*")]
    [InlineData("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "*/*")]
    [InlineData("WhatsApp/2.23.20.0", "*/*")]
    [InlineData("TelegramBot (like TwitterBot)", "*/*")]
    [InlineData("Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", "text/html")]
    [InlineData("Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com", "*/*")]
    [InlineData("LinkedInBot/1.0 (compatible; Mozilla/5.0)", "*/*")]
    [InlineData("http.rb/5.1.1 (Mastodon/4.2.1; +https://social.example/) Bot", "*/*")]
    public async Task A_preview_spends_nothing_and_follows_no_button_either(string agent, string accept)
    {
        for (var times = 0; times < 3; times++)
        {
            await Page(("User-Agent", agent), ("Accept", accept));
            var pressed = await _server.Http.Get(_path + "?start=1", ("User-Agent", agent), ("Accept", accept));
            Assert.StartsWith("text/html", pressed.Header("Content-Type"), StringComparison.Ordinal);
            Assert.Equal(200, (await _server.Http.Read(new HttpRequestMessage(HttpMethod.Head, _path))).Status);
            Assert.Equal(204, (await _server.Http.Get(_path, ("Sec-Purpose", "prefetch"), ("Accept", accept))).Status);
        }

        await AssertUnspent();
    }

    [Theory]
    [InlineData("curl/7.88.1", "*/*")]
    [InlineData("Wget/1.21.3", "*/*")]
    [InlineData("WordPress/6.4; https://robotics.example", "*/*")]
    [InlineData("MyRobotInstaller/1.0", "application/zip, */*;q=0.1")]
    [InlineData(null, null)]
    [InlineData("Mozilla/5.0", "application/octet-stream")]
    [InlineData("Mozilla/5.0", "text/html;q=0, */*")]
    [InlineData("Java/17.0.15", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2")]
    [InlineData("Mozilla/3.0 (compatible; Indy Library)", "text/html, */*;q=0.8")]
    [InlineData("WordPress/6.4.2; https://barracuda-diving.example", "*/*")]
    [InlineData("Updater/1.0 (+https://viber.example/whatsapp)", "*/*")]
    [InlineData("NotTwitterbot/1.0", "*/*")]
    public async Task Whoever_does_not_ask_for_html_gets_the_file(string? agent, string? accept)
    {
        var headers = new List<(string, string)>();
        if (agent is not null) headers.Add(("User-Agent", agent));
        if (accept is not null) headers.Add(("Accept", accept));
        Assert.Equal(_file, (await _server.Http.Get(_path, [.. headers])).Bytes);
    }

    [Fact]
    public async Task A_browser_that_resumes_gets_the_rest()
    {
        var first = await _server.Http.Get(_path + "?start=1", ("Accept", Browser), ("Range", "bytes=0-49999"));
        Assert.Equal(206, first.Status);
        var rest = await _server.Http.Get(_path, ("Accept", Browser), ("Range", "bytes=50000-"), ("If-Range", first.Header("ETag")!));
        Assert.Equal(_file, first.Bytes.Concat(rest.Bytes));
    }

    [Fact]
    public async Task Head_says_what_get_would()
    {
        var request = new HttpRequestMessage(HttpMethod.Head, _path);
        request.Headers.TryAddWithoutValidation("Accept", Browser);
        var head = await _server.Http.Read(request);
        Assert.Equal(("text/html; charset=utf-8", (await Page(("Accept", Browser))).Header("Content-Length")), (head.Header("Content-Type"), head.Header("Content-Length")));
    }

    [Fact]
    public async Task A_dead_link_is_the_same_refusal_for_a_browser()
    {
        _server.Work(work => new ReleaseOperations(work).Yank(1));
        var reply = await _server.Http.Get(_path, ("Accept", Browser));
        Assert.Equal((410, "{\"success\":false,\"message\":\"Invalid or expired download token\",\"error_code\":\"DOWNLOAD_TOKEN_EXPIRED\"}"), (reply.Status, reply.Text));
    }
}
