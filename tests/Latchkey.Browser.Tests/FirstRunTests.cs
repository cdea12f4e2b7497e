using System.Security.Cryptography;
using Latchkey.Browser.Tests.Support;

namespace Latchkey.Browser.Tests;

/// <summary>From the link that the server prints to a license that a customer's software verifies.</summary>
public sealed class FirstRunTests(Chromium chromium)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_vendor_gets_from_the_setup_link_to_a_license_and_a_file_that_curl_gets(bool phone)
    {
        await using var panel = await Panel.WithOwner(chromium);
        var page = await panel.Owner(phone);

        await Panel.Open(page, "products/new", "New product");
        await page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("Garden Planner");
        await page.GetByLabel("Key prefix").FillAsync("GARDEN");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add product" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = "Garden Planner" })).ToBeVisibleAsync();

        var content = RandomNumberGenerator.GetBytes(300_000);
        await page.Locator("input[type=file]").SetInputFilesAsync(new FilePayload { Name = "garden-1.0.zip", MimeType = "application/zip", Buffer = content });
        await Expect(page.GetByText(Convert.ToHexStringLower(SHA256.HashData(content))[..12]).First).ToBeVisibleAsync();

        await Panel.Open(page, "licenses/new?product=1", "Issue a license");
        await page.GetByLabel("Domains", new() { Exact = true }).FillAsync("https://www.Garden.example/shop");
        await Expect(page.GetByText("garden.example", new() { Exact = true }).First).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Issue license" }).ClickAsync();
        var key = await page.GetByText(new System.Text.RegularExpressions.Regex("^GARDEN_[A-Z0-9]{16}$")).First.InnerTextAsync();

        Assert.Equal(200, (await panel.Server.Http.Verify(key, "garden.example", 1)).Status);
        Assert.Equal(403, (await panel.Server.Http.Verify(key, "other.example", 1)).Status);
        Assert.Equal(content, (await panel.Server.Http.Get(await panel.Server.Http.MintPathOf(key, "garden.example", 1))).Bytes);
        Assert.Empty(panel.Complaints);
    }

    [Fact]
    public async Task A_support_agent_finds_a_key_by_its_end_and_suspends_and_undoes_with_the_keyboard_alone()
    {
        await using var panel = await Panel.WithOwner(chromium, "--demo");
        var page = await panel.Owner();
        await Panel.Open(page, "", "Overview");
        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("JI6CZRM");
        await page.Keyboard.PressAsync("Enter");
        var link = page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Link, new() { Name = "CZRM" }).First;
        await link.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/admin/licenses/1$"));
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeFocusedAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Suspend", Exact = true }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Resume", Exact = true }).First).ToBeVisibleAsync();
        Assert.Equal(403, (await panel.Server.Http.Verify("DEMO_KZJS5MBF6JI6CZRM", "example.com", 1)).Status);
        await page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Suspend", Exact = true })).ToBeVisibleAsync();
        Assert.Equal(200, (await panel.Server.Http.Verify("DEMO_KZJS5MBF6JI6CZRM", "example.com", 1)).Status);
    }

    [Fact]
    public async Task Revealing_a_key_is_asked_for_the_password_when_the_sign_in_is_old()
    {
        await using var panel = await Panel.WithOwner(chromium, "--demo");
        var page = await panel.Owner();
        Tables.Execute(panel.Shop.Database, "UPDATE operator_sessions SET confirmed_at = confirmed_at - 3600000000");
        await page.GotoAsync("admin/licenses/1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Reveal key" }).ClickAsync();
        await page.GetByLabel("Password or code").FillAsync("wrong");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByText("That was not right")).ToBeVisibleAsync();
        await page.GetByLabel("Password or code").FillAsync(Panel.Password);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByText("DEMO_KZJS5MBF6JI6CZRM").First).ToBeVisibleAsync();
        Assert.Equal(1, Tables.Query<long>(panel.Shop.Database, "SELECT count(*) FROM audit WHERE action = 'license.reveal' AND actor_kind = 1"));
    }
}
