using Latchkey.Browser.Tests.Support;

namespace Latchkey.Browser.Tests;

/// <summary>How backups stand, on the overview.</summary>
public sealed class BackupTests(Chromium chromium)
{
    [Fact]
    public async Task The_overview_says_how_to_have_a_backup_then_shows_the_last_one_and_then_that_one_failed()
    {
        await using var panel = await Panel.WithOwner(chromium, "--demo");
        var page = await panel.Owner();
        await Panel.Open(page, "", "Overview");
        var card = page.GetByRole(AriaRole.Region, new() { Name = "Backup", Exact = true });
        await Expect(card).ToContainTextAsync("There is none yet. Set Backup:To to a directory on another disk");

        var place = Path.Combine(panel.Shop.Home, "backups");
        (string, string)[] schedule = [("LATCHKEY_BACKUP_PASSPHRASE", "correct horse battery staple"), ("LATCHKEY_Backup__To", place)];
        Assert.Equal(0, (await Cli.Run(["backup", "--data", panel.Shop.Data], schedule)).Status);
        await page.ReloadAsync();
        await Expect(card).ToContainTextAsync(place);
        await Expect(card).Not.ToContainTextAsync("nobody has planned one");

        await File.WriteAllTextAsync(Path.Combine(panel.Shop.Home, "in-the-way"), "", TestContext.Current.CancellationToken);
        Assert.Equal(1, (await Cli.Run(["backup", "--data", panel.Shop.Data], [schedule[0], ("LATCHKEY_Backup__To", Path.Combine(panel.Shop.Home, "in-the-way", "x"))])).Status);
        await page.ReloadAsync();
        await Expect(card.GetByRole(AriaRole.Alert)).ToContainTextAsync("The last one failed");

        // A sentence, and not a row of its parts.
        await Expect(card.GetByRole(AriaRole.Alert).Locator("> *")).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Needs attention" })).ToContainTextAsync("The last one that was made is of");
        Assert.Empty(panel.Complaints);
    }
}
