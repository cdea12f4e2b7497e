using System.Collections.Concurrent;

namespace Latchkey.Browser.Tests.Support;

/// <summary>A server of its own process, and browsers of people who use its panel.</summary>
sealed class Panel : IAsyncDisposable
{
    public const string Email = "owner@example.com";
    public const string Password = "a long enough passphrase";

    readonly Chromium _chromium;
    readonly List<IBrowserContext> _contexts = [];
    string? _state;

    Panel(Chromium chromium, Shop shop, ServeProcess server) => (_chromium, Shop, Server) = (chromium, shop, server);

    public Shop Shop { get; }
    public ServeProcess Server { get; private set; }

    /// <summary>By name: browsers know no passkeys of an address.</summary>
    public string Home => Server.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal) + "/";

    /// <summary>What the browser's consoles said that they should not.</summary>
    public ConcurrentQueue<string> Complaints { get; } = new();

    public static async Task<Panel> Start(Chromium chromium, params string[] serve)
    {
        var shop = new Shop();
        return new Panel(chromium, shop, await shop.Serve(serve));
    }

    /// <summary>With an owner.</summary>
    public static async Task<Panel> WithOwner(Chromium chromium, params string[] serve)
    {
        var panel = await Start(chromium, serve);
        try
        {
            await panel.SetUp();
            return panel;
        }
        catch
        {
            await panel.DisposeAsync();
            throw;
        }
    }

    /// <summary>Follows the link that the server printed.</summary>
    public async Task<IPage> SetUp()
    {
        var page = await Visitor();
        await page.GotoAsync(new Uri(Server.Started.Text("setup_url")).AbsolutePath);
        await page.GetByLabel("E-mail address").FillAsync(Email);
        foreach (var field in await page.Locator("input[type=password]").AllAsync()) await field.FillAsync(Password);
        await page.Locator("button[type=submit]").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = "Overview" })).ToBeVisibleAsync();
        _state = await page.Context.StorageStateAsync();
        return page;
    }

    /// <summary>A browser that nobody has used.</summary>
    public async Task<IPage> Visitor(bool phone = false, bool dark = false) => await Page(phone, dark, null);

    /// <summary>A browser in which the owner is signed in.</summary>
    public Task<IPage> Owner(bool phone = false, bool dark = false) => Page(phone, dark, _state ?? throw new InvalidOperationException("Nobody was set up."));

    async Task<IPage> Page(bool phone, bool dark, string? state)
    {
        var context = await _chromium.Context(Home, phone, dark);
        _contexts.Add(context);
        if (state is not null) await context.AddCookiesAsync(Cookies(state));
        var page = await context.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") Complaints.Enqueue($"{page.Url}: {message.Text}");
        };
        page.PageError += (_, error) => Complaints.Enqueue($"{page.Url}: {error}");
        return page;
    }

    static IEnumerable<Cookie> Cookies(string state) =>
        System.Text.Json.JsonDocument.Parse(state).RootElement.GetProperty("cookies").EnumerateArray().Select(cookie => new Cookie
        {
            Name = cookie.Text("name"),
            Value = cookie.Text("value"),
            Domain = cookie.Text("domain"),
            Path = cookie.Text("path"),
            HttpOnly = true,
        });

    public static async Task SignIn(IPage page, string email = Email, string password = Password)
    {
        await page.GotoAsync("admin/sign-in");
        await page.GetByLabel("E-mail address").FillAsync(email);
        await page.GetByLabel("Password", new() { Exact = true }).FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in", Exact = true }).ClickAsync();
    }

    /// <summary>Waits until the page is alive: Blazor has drawn its heading.</summary>
    public static async Task Open(IPage page, string path, string heading)
    {
        await page.GotoAsync("admin/" + path);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = heading })).ToBeVisibleAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var context in _contexts) await context.DisposeAsync();
        await Server.DisposeAsync();
        Shop.Dispose();
    }
}
