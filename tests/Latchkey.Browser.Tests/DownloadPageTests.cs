using System.Security.Cryptography;
using Deque.AxeCore.Playwright;
using Latchkey.Browser.Tests.Support;

namespace Latchkey.Browser.Tests;

/// <summary>What a customer sees who opens a download link in a browser.</summary>
public sealed class DownloadPageTests(Chromium chromium)
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_link_shows_what_it_is_and_its_button_gets_the_file_once(bool phone, bool dark)
    {
        await using var panel = await Panel.Start(chromium);
        var content = RandomNumberGenerator.GetBytes(200_000);
        await panel.Shop.Do("product", "add", "--name", "Ink & Paper", "--prefix", "INK");
        await panel.Shop.Do("product", "publish", "--product", "1", "--file", panel.Shop.File("ink.zip", content), "--version", "2.4.1");
        var license = await panel.Shop.Do("license", "issue", "--product", "1", "--domain", "example.com");
        var link = await panel.Server.Http.MintPathOf(license.Key(), "example.com", 1);

        var page = await panel.Visitor(phone, dark);
        await page.GotoAsync(link);
        await Expect(page).ToHaveTitleAsync("Download ink.zip");
        foreach (var part in new[] { "Ink & Paper", "Version 2.4.1", "ink.zip", "195.3 KiB (200,000 bytes)", Convert.ToHexStringLower(SHA256.HashData(content)) })
        {
            await Expect(page.GetByText(part).First).ToBeVisibleAsync();
        }

        Assert.Empty((await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => violation.Id));
        Assert.True(await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - innerWidth") <= 0);
        Assert.Equal(dark, await page.EvaluateAsync<bool>("() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(part => part < 60)"));

        // Looking, as often as one likes, uses nothing up.
        await page.ReloadAsync();
        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Download" }).ClickAsync());
        Assert.Equal("ink.zip", download.SuggestedFilename);
        Assert.Equal(content, await File.ReadAllBytesAsync(await download.PathAsync()));
        Assert.Empty(panel.Complaints);
        Assert.Equal(410, (await page.GotoAsync(link))!.Status);
    }
}
