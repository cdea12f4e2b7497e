using Latchkey.Browser.Tests.Support;

namespace Latchkey.Browser.Tests;

/// <summary>What is easily mistyped where a license is issued, and found again by its number.</summary>
public sealed class LicenseFormTests(Chromium chromium)
{
    [Fact]
    public async Task A_customer_who_is_typed_is_chosen_or_asked_about_and_so_is_a_day_that_is_over()
    {
        await using var panel = await Panel.WithOwner(chromium);
        await panel.Shop.Do("product", "add", "--name", "Plugin", "--prefix", "PLUG");
        var page = await panel.Owner();
        await Panel.Open(page, "licenses/new?product=1", "Issue a license");
        await page.GetByLabel("Customer", new() { Exact = true }).FillAsync("ada@example.com");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Add “ada@example.com” as a new customer" })).ToBeVisibleAsync();
        var issue = page.GetByRole(AriaRole.Button, new() { Name = "Issue license" });
        await issue.ClickAsync();
        await Expect(page.GetByText("no customer is chosen")).ToBeVisibleAsync();
        Assert.Equal(0, Licenses(panel));

        await page.GetByRole(AriaRole.Button, new() { Name = "Add “ada@example.com” as a new customer" }).ClickAsync();
        await Expect(page.GetByText("1 · ada@example.com")).ToBeVisibleAsync();
        await page.GetByLabel("Expires").FillAsync("2020-01-01");
        await issue.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog).GetByText("which has passed")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(page.GetByLabel("Expires")).ToHaveValueAsync("2020-01-01");
        Assert.Equal(0, Licenses(panel));

        await page.GetByLabel("Expires").FillAsync("");
        await issue.ClickAsync();
        await Expect(page.GetByText("License 1 is issued")).ToBeVisibleAsync();
        Assert.Equal(1, Tables.Query<long>(panel.Shop.Database, "SELECT count(*) FROM licenses l JOIN customers c ON c.id = l.user_id WHERE c.email = 'ada@example.com'"));

        foreach (var text in new[] { "1", "#1" })
        {
            await Panel.Open(page, "licenses?q=" + Uri.EscapeDataString(text), "Licenses");
            var hits = page.Locator(".number-hits");
            await Expect(hits.GetByRole(AriaRole.Link, new() { Name = "License 1" })).ToBeVisibleAsync();
            await Expect(hits.GetByRole(AriaRole.Link, new() { Name = "Customer 1" })).ToBeVisibleAsync();
        }

        Assert.Empty(panel.Complaints);
    }

    static long Licenses(Panel panel) => Tables.Query<long>(panel.Shop.Database, "SELECT count(*) FROM licenses");
}
