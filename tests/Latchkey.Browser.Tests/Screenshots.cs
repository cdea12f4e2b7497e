using Latchkey.Browser.Tests.Support;

namespace Latchkey.Browser.Tests;

/// <summary>The pictures of the documentation. Runs only when it is asked for, by <c>docs/screenshots/take</c>.</summary>
public sealed class Screenshots(Chromium chromium)
{
    static readonly (string Name, string Path)[] Pages =
        [("overview", ""), ("products", "products/2"), ("release", "releases/9"), ("licenses", "licenses"), ("license", "licenses/4"), ("downloads", "downloads"), ("audit", "audit")];

    [Fact(Explicit = true)]
    public async Task Are_taken_from_the_demo()
    {
        var target = Path.Combine(Cli.Root, "docs", "screenshots");
        await using var panel = await Panel.WithOwner(chromium, "--demo");
        foreach (var (phone, dark, suffix) in new[] { (false, false, "light"), (false, true, "dark"), (true, false, "phone") })
        {
            var page = await panel.Owner(phone, dark);
            foreach (var (name, path) in Pages)
            {
                await page.GotoAsync("admin/" + path);
                await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeVisibleAsync();
                await Expect(page.Locator("[aria-busy=true]")).ToHaveCountAsync(0);
                await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(target, $"{name}-{suffix}.png") });
            }
        }
    }
}
