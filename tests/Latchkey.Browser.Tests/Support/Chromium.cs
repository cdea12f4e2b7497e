[assembly: AssemblyFixture(typeof(Latchkey.Browser.Tests.Support.Chromium))]

namespace Latchkey.Browser.Tests.Support;

/// <summary>One Chromium for all tests; each test has contexts (cookies, storage) of its own.</summary>
public sealed class Chromium : IAsyncLifetime
{
    IPlaywright _playwright = null!;
    IBrowser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        SetDefaultExpectTimeout(15_000);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium",
            Args = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    /// <param name="home">The server, with a slash at its end.</param>
    /// <param name="phone">360 px wide; else 1280.</param>
    /// <param name="dark">What the system prefers.</param>
    public async Task<IBrowserContext> Context(string home, bool phone = false, bool dark = false)
    {
        var context = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = home,
            ViewportSize = phone ? new ViewportSize { Width = 360, Height = 780 } : new ViewportSize { Width = 1280, Height = 900 },
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
            TimezoneId = "Europe/Vienna",
            Locale = "en-GB",
            AcceptDownloads = true,
        });
        context.SetDefaultTimeout(15_000);
        return context;
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}
