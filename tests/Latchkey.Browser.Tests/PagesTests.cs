using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Latchkey.Browser.Tests.Support;

namespace Latchkey.Browser.Tests;

/// <summary>Every page of the demo, on a phone and at every other width, in light and dark.</summary>
public sealed class PagesTests(Chromium chromium)
{
    // Looking at every letter's colors is what takes the time.
    const string Contrast = "color-contrast";

    static readonly string[] Pages =
    [
        "", "?period=hour", "?period=month", "products", "products/new", "products/2", "products/3/releases/new", "releases/6", "releases/7", "releases/9", "licenses", "licenses?q=4", "licenses?state=suspended", "licenses/new", "licenses/new-many", "licenses/1", "licenses/4",
        "customers", "customers/new", "customers/1001", "downloads", "downloads?state=interrupted", "operators", "api-keys", "api-keys/new", "audit", "settings",
    ];

    [Theory]
    [InlineData(360)]
    [InlineData(1280, 600, 768, 900, 1024, 1100, 1440)]
    public async Task No_page_complains_overflows_or_hinders(int width, params int[] others)
    {
        await using var panel = await Panel.WithOwner(chromium, "--demo");
        var page = await panel.Owner(phone: width == 360);
        var faults = new List<string>();
        foreach (var path in Pages)
        {
            await page.GotoAsync("admin/" + path);
            await Settled(page);
            faults.AddRange((await Findings(page, but: width == 360 ? Contrast : null)).Select(finding => $"{path}: {finding}"));
            if (width != 360) faults.AddRange((await InTheDark(page)).Select(finding => $"{path} in the dark: {finding}"));
            foreach (var wide in new[] { width }.Concat(others))
            {
                await page.SetViewportSizeAsync(wide, 900);
                if (await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth") is > 0 and var over) faults.Add($"{path} at {wide}: {over} px too wide");
            }

            await page.SetViewportSizeAsync(width, 900);
        }

        Assert.Empty(faults);
        Assert.Empty(panel.Complaints);
    }

    /// <summary>Nothing but colors is another there, and a phone has the same.</summary>
    static async Task<List<string>> InTheDark(IPage page)
    {
        var light = await Paper(page);
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await Expect(page.Locator("body")).Not.ToHaveCSSAsync("background-color", light);
        var findings = (await Findings(page, only: Contrast)).ToList();
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
        await Expect(page.Locator("body")).ToHaveCSSAsync("background-color", light);
        return findings;
    }

    static Task<string> Paper(IPage page) => page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_pages_of_sign_in_do_not_hinder(bool dark)
    {
        await using var panel = await Panel.Start(chromium);
        var visitor = await panel.Visitor(phone: true, dark);
        var faults = new List<string>();
        await visitor.GotoAsync(new Uri(panel.Server.Started.Text("setup_url")).AbsolutePath);
        faults.AddRange(await Findings(visitor));
        await panel.SetUp();
        var owner = await panel.Owner(phone: true, dark);
        foreach (var path in new[] { "admin/sign-in", "admin/account", "admin/account/second-factor", "admin/no-such-page" })
        {
            await owner.GotoAsync(path);
            await Settled(owner);
            faults.AddRange((await Findings(owner)).Select(finding => $"{path}: {finding}"));
        }

        Assert.Empty(faults);
    }

    static async Task Settled(IPage page)
    {
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeVisibleAsync();
        await Expect(page.Locator("[aria-busy=true]")).ToHaveCountAsync(0);
    }

    /// <summary>What axe-core calls serious or critical.</summary>
    static async Task<IEnumerable<string>> Findings(IPage page, string? only = null, string? but = null) =>
        (await page.RunAxe(new AxeRunOptions
        {
            RunOnly = only is null ? null : new RunOnlyOptions { Type = "rule", Values = [only] },
            Rules = but is null ? null : new Dictionary<string, RuleOptions> { [but] = new() { Enabled = false } },
            ResultTypes = [ResultType.Violations],
        })).Violations.Where(violation => violation.Impact is "serious" or "critical")
            .Select(violation => $"{violation.Id} at {string.Join(", ", violation.Nodes.Select(node => node.Html).Take(3))}");
}
