using Latchkey.Browser.Tests.Support;

namespace Latchkey.Browser.Tests;

/// <summary>What somebody typed into any field is text on every page, and nothing else.</summary>
public sealed class ScriptTests(Chromium chromium)
{
    const string Payload = "\"><img src=x onerror=alert(1)><script>alert(2)</script>{{3*3}}";

    [Fact]
    public async Task Payloads_in_every_text_field_stay_text_on_every_page()
    {
        await using var panel = await Panel.WithOwner(chromium);
        var shop = panel.Shop;
        await shop.Do("product", "add", "--name", Payload, "--prefix", "PLUG");
        await shop.Do("release", "add", "--product", "1", "--version", "1.0.0", "--channel", "own", "--notes", $"# {Payload}\n\n[link](javascript:alert(4)) {Payload}", "--file", shop.File("a.zip", "x"), "--file-name", "\"><img src=x onerror=alert(3)>.zip");
        await shop.Do("release", "publish", "1");
        await shop.Do("customer", "add", "--id", "5", "--name", Payload, "--email", "\"><img/src=x>@example.com".Replace("<", "(", StringComparison.Ordinal).Replace(">", ")", StringComparison.Ordinal), "--reference", Payload, "--notes", Payload);
        var license = await shop.Do("license", "issue", "--product", "1", "--user", "5", "--domain", "example.com", "--channel", "own");
        await shop.Do("api-key", "add", "--name", Payload, "--scope", "licenses:read");
        var request = Ask.Request(HttpMethod.Post, Ask.MintPath, license.Key(), "evil.example", 1);
        request.Headers.TryAddWithoutValidation("User-Agent", Payload);
        await panel.Server.Http.Read(request);
        await panel.Server.Http.MintPathOf(license.Key(), "example.com", 1);

        var page = await panel.Owner();
        page.Dialog += (_, dialog) => panel.Complaints.Enqueue($"{page.Url}: a dialog: {dialog.Message}");
        foreach (var path in new[] { "", "products", "products/1", "releases/1", "products/1/releases/new", "licenses", "licenses/1", "licenses/new?product=1", "customers", "customers/5", "downloads", "api-keys", "audit", "operators", "licenses?q=" + Uri.EscapeDataString(Payload) })
        {
            await page.GotoAsync("admin/" + path);
            await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeVisibleAsync();
            await Expect(page.Locator("[aria-busy=true]")).ToHaveCountAsync(0);
            Assert.Equal(0, await page.Locator("img[src=x], main script").CountAsync());
        }

        // What is typed is drawn at once.
        await Panel.Open(page, "products/1/releases/new", "New release");
        await page.GetByLabel("What is new").FillAsync($"**Typed** {Payload}");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Preview" }).GetByText("Typed")).ToBeVisibleAsync();
        Assert.Equal(0, await page.Locator("img[src=x], main script").CountAsync());
        Assert.Empty(panel.Complaints);
    }
}
