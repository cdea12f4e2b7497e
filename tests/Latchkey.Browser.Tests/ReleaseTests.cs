using System.Security.Cryptography;
using Latchkey.Browser.Tests.Support;

namespace Latchkey.Browser.Tests;

/// <summary>What a vendor does with a release in the panel, and what customers get of it.</summary>
public sealed class ReleaseTests(Chromium chromium)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_release_of_several_files_is_made_published_and_yanked_on_its_page(bool phone)
    {
        await using var panel = await Panel.WithOwner(chromium);
        var license = await ProductAndLicense(panel);
        var page = await panel.Owner(phone);

        await Panel.Open(page, "products/1/releases/new", "New release");
        await Expect(page.GetByLabel("Version", new() { Exact = true })).ToHaveValueAsync("1.0.0");
        await page.GetByLabel("Version", new() { Exact = true }).FillAsync("2.0.0");
        await page.GetByLabel("What is new").FillAsync("# Bigger\n\n- **Faster** search\n\n<script>alert(1)</script>");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Preview" }).GetByText("Faster")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save, and add files" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = "Plugin 2.0.0" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Publish now" })).ToBeDisabledAsync();

        var (linux, windows) = (RandomNumberGenerator.GetBytes(300_000), RandomNumberGenerator.GetBytes(200_000));
        await page.Locator("#release-files").SetInputFilesAsync(
        [
            new FilePayload { Name = "plugin-linux-x64.zip.sig", MimeType = "application/pgp-signature", Buffer = [1, 2, 3] },
            new FilePayload { Name = "plugin-linux-x64.zip", MimeType = "application/zip", Buffer = linux },
            new FilePayload { Name = "plugin-win.zip", MimeType = "application/zip", Buffer = windows },
        ]);
        await page.GetByRole(AriaRole.Button, new() { Name = "Upload 3 files" }).ClickAsync();
        foreach (var content in new[] { linux, windows, [1, 2, 3] })
        {
            await Expect(page.Locator(".queue").GetByText(Convert.ToHexStringLower(SHA256.HashData(content)))).ToBeVisibleAsync();
        }

        await Expect(page.Locator("td").GetByText("Signature of plugin-linux-x64.zip")).ToBeVisibleAsync();
        await Expect(page.Locator("td").GetByText("linux x64").First).ToBeVisibleAsync();
        Assert.Equal(404, (await Mint(panel, license)).Status);

        await page.GetByRole(AriaRole.Button, new() { Name = "Publish now" }).ClickAsync();
        await Expect(page.GetByText("Customers can have it since")).ToBeVisibleAsync();
        var minted = await Mint(panel, license, "windows");
        Assert.Equal((200, "2.0.0"), (minted.Status, minted.Json.GetProperty("data").Text("version")));
        var link = new Uri(minted.Json.GetProperty("data").Text("download_url")).AbsolutePath;

        await page.GetByRole(AriaRole.Button, new() { Name = "Yank …" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog).GetByText("links that are out die")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        Assert.Equal(200, (await Mint(panel, license, "linux")).Status);
        await page.GetByRole(AriaRole.Button, new() { Name = "Yank …" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Yank", Exact = true }).ClickAsync();
        await Expect(page.GetByText("Nobody can have it any more")).ToBeVisibleAsync();
        Assert.Equal(404, (await Mint(panel, license)).Status);
        Assert.Equal(410, (await panel.Server.Http.Get(link)).Status);

        await page.GetByRole(AriaRole.Button, new() { Name = "Take the yank back" }).ClickAsync();
        await Expect(page.GetByText("Customers can have it since")).ToBeVisibleAsync();
        Assert.Equal(windows, (await panel.Server.Http.Get(link)).Bytes);
        Assert.Empty(panel.Complaints);
    }

    [Fact]
    public async Task What_a_release_refuses_stands_beside_its_field_and_what_was_typed_stays()
    {
        await using var panel = await Panel.WithOwner(chromium);
        await ProductAndLicense(panel);
        var page = await panel.Owner();
        await Panel.Open(page, "products/1/releases/new", "New release");
        await page.GetByLabel("Version", new() { Exact = true }).FillAsync("v2");
        await page.GetByLabel("What is new").FillAsync("Kept");
        await page.GetByLabel("Rollout, in percent").FillAsync("0");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save, and add files" }).ClickAsync();
        await Expect(page.GetByText("must be spelled 2.0.0")).ToBeVisibleAsync();
        await Expect(page.GetByText("The rollout must be 1 to 100 percent.")).ToBeVisibleAsync();
        await Expect(page.GetByLabel("What is new")).ToHaveValueAsync("Kept");

        // What no Markdown can be read from is told in place of the preview.
        var nested = new string('>', 130) + " a";
        await page.GetByLabel("What is new").FillAsync(nested);
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Preview" }).GetByText("nested too deeply")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save, and add files" }).ClickAsync();
        await Expect(page.GetByText("nested too deeply")).ToHaveCountAsync(2);
        await Expect(page.GetByLabel("What is new")).ToHaveValueAsync(nested);
    }

    [Fact]
    public async Task A_draft_is_scheduled_and_one_that_is_not_wanted_is_deleted_with_its_files()
    {
        await using var panel = await Panel.WithOwner(chromium);
        await ProductAndLicense(panel);
        foreach (var version in new[] { "1.0.0", "1.1.0" }) await panel.Shop.Do("release", "add", "--product", "1", "--version", version, "--file", panel.Shop.File($"{version}.zip", version));
        var page = await panel.Owner();

        await Panel.Open(page, "releases/1", "Plugin 1.0.0");
        await page.GetByLabel("At a time").CheckAsync();
        await page.GetByLabel("Date and time, UTC").FillAsync("2020-01-01T00:00");
        await page.GetByRole(AriaRole.Button, new() { Name = "Schedule" }).ClickAsync();
        await Expect(page.GetByText("That time is over")).ToBeVisibleAsync();
        await page.GetByLabel("Date and time, UTC").FillAsync("2999-01-01T00:00");
        await page.GetByRole(AriaRole.Button, new() { Name = "Schedule" }).ClickAsync();
        await Expect(page.Locator(".state-line").GetByText("Scheduled")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Yank …" }).ClickAsync();
        await Expect(page.GetByText("It will not be published when its time comes")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete …" }).ClickAsync();
        await Expect(page.GetByText("which waits for its time?")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();

        await Panel.Open(page, "releases/2", "Plugin 1.1.0");
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete draft …" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = "Plugin" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "1.0.0" })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "1.1.0" })).ToHaveCountAsync(0);
        Assert.Single(panel.Shop.Stored);
        Assert.Empty(panel.Complaints);
    }

    [Fact]
    public async Task A_license_whose_updates_ended_is_refused_a_newer_release_as_its_page_explains()
    {
        await using var panel = await Panel.WithOwner(chromium);
        var shop = panel.Shop;
        await shop.Do("product", "add", "--name", "Plugin", "--prefix", "PLUG");
        await shop.Do("product", "publish", "--product", "1", "--file", shop.File("a.zip", "a"), "--version", "1.0.0");
        var page = await panel.Owner();
        await Panel.Open(page, "licenses/new?product=1", "Issue a license");
        await page.GetByLabel("Domains", new() { Exact = true }).FillAsync("example.com");
        await page.GetByLabel("Updates until").FillAsync("2020-06-30");
        await page.GetByRole(AriaRole.Button, new() { Name = "Issue license" }).ClickAsync();
        await Expect(page.GetByText("Its updates end on 2020-06-30, which has passed")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Issue anyway" }).ClickAsync();
        var key = await page.GetByText(new System.Text.RegularExpressions.Regex("^PLUG_[A-Z0-9]{16}$")).First.InnerTextAsync();
        Assert.Equal("NOT_ENTITLED", (await Mint(panel, key)).Code);

        // What was asked is written down in its own time.
        await Poll.Until(async () =>
        {
            await Panel.Open(page, "licenses/1", "License 1");
            await Expect(page.Locator("[aria-busy=true]")).ToHaveCountAsync(0);
            return await page.GetByText("there is no version yet that it includes: its updates ended on 30 June 2020").CountAsync();
        }, count => count > 0);
        await Expect(page.GetByText("Download link refused for example.com: the license does not include that release")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Edit", Exact = true }).ClickAsync();
        await Expect(page.GetByLabel("Updates until")).ToHaveValueAsync("2020-06-30");
        await page.GetByLabel("Updates until").FillAsync("2999-12-31");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(page.GetByText("31 Dec 2999")).ToBeVisibleAsync();
        Assert.Equal(200, (await Mint(panel, key)).Status);
    }

    [Fact]
    public async Task Support_makes_a_link_to_a_version_that_the_customer_wants()
    {
        await using var panel = await Panel.WithOwner(chromium);
        var shop = panel.Shop;
        await ProductAndLicense(panel);
        foreach (var version in new[] { "1.0.0", "1.1.0" }) await shop.Do("product", "publish", "--product", "1", "--file", shop.File($"{version}.zip", version), "--version", version);
        var page = await panel.Owner();
        await Panel.Open(page, "licenses/1", "License 1");
        await page.GetByLabel("Version", new() { Exact = true }).SelectOptionAsync("1.0.0");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make a download link" }).ClickAsync();
        var link = await page.GetByRole(AriaRole.Region, new() { Name = "Download link" }).InnerTextAsync();
        Assert.Equal("1.0.0", (await panel.Server.Http.Get(new Uri(link.Trim()).AbsolutePath)).Text);
    }

    static async Task<string> ProductAndLicense(Panel panel)
    {
        await panel.Shop.Do("product", "add", "--name", "Plugin", "--prefix", "PLUG");
        return (await panel.Shop.Do("license", "issue", "--product", "1", "--domain", "example.com")).Key();
    }

    static Task<Reply> Mint(Panel panel, string key, string? platform = null) =>
        panel.Server.Http.Read(Ask.Request(HttpMethod.Post, Ask.MintPath + (platform is null ? "" : $"?platform={platform}"), key, "example.com", 1));
}
