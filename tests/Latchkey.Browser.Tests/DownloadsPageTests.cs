using Latchkey.Browser.Tests.Support;

namespace Latchkey.Browser.Tests;

public sealed class DownloadsPageTests(Chromium chromium)
{
    [Fact]
    public async Task A_transfer_is_followed_from_the_link_to_its_end_without_loading_the_page_anew()
    {
        await using var panel = await Panel.WithOwner(chromium);
        var shop = panel.Shop;
        await shop.Do("product", "add", "--name", "Plugin", "--prefix", "PLUG");
        await shop.Do("product", "publish", "--product", "1", "--file", shop.File("large.bin", new byte[40_000_000]), "--version", "1.0.0");
        var license = await shop.Do("license", "issue", "--product", "1", "--domain", "example.com");
        var page = await panel.Owner();
        await Panel.Open(page, "downloads", "Downloads");
        await Expect(page.GetByText("No download yet")).ToBeVisibleAsync();

        var link = await panel.Server.Http.MintPathOf(license.Key(), "example.com", 1);
        await page.GetByLabel("State", new() { Exact = true }).SelectOptionAsync("issued");
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("state=issued"));
        await page.GetByRole(AriaRole.Link, new() { Name = "Show all", Exact = true }).ClickAsync();
        var row = page.Locator("tbody tr");
        await Expect(row.GetByText("Issued")).ToBeVisibleAsync();

        // The client takes what comes by itself, and no more.
        using (var answer = await panel.Server.Http.GetAsync(link, HttpCompletionOption.ResponseHeadersRead))
        {
            await Expect(row.GetByText("In progress")).ToBeVisibleAsync();
            await Expect(row.GetByText("of 38.1 MiB")).ToBeVisibleAsync();
            await Expect(row.GetByText("to 127.0.0.1")).ToBeVisibleAsync();
            Assert.Equal(40_000_000, (await answer.Content.ReadAsByteArrayAsync()).Length);
        }

        await Expect(row.GetByText("Finished")).ToBeVisibleAsync();
        await shop.Do("release", "yank", "1");
        await Panel.Open(page, "downloads", "Downloads");
        await Expect(row.GetByText("release yanked")).ToBeVisibleAsync();
        await row.GetByRole(AriaRole.Link, new() { Name = "large.bin" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = "Plugin 1.0.0" })).ToBeVisibleAsync();
        Assert.Empty(panel.Complaints);
    }
}
