using Latchkey.Browser.Tests.Support;
using OtpNet;

namespace Latchkey.Browser.Tests;

public sealed class SignInTests(Chromium chromium)
{
    [Fact]
    public async Task After_sign_out_the_old_browser_is_at_the_sign_in_page()
    {
        await using var panel = await Panel.WithOwner(chromium);
        var page = await panel.Owner();
        await Panel.Open(page, "", "Overview");
        await page.GetByRole(AriaRole.Button, new() { Name = "Account" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
        await page.GotoAsync("admin/");
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/admin/sign-in"));
        Assert.Empty(panel.Complaints);
    }

    [Fact]
    public async Task Who_was_on_the_way_to_a_page_is_led_there_after_sign_in()
    {
        await using var panel = await Panel.WithOwner(chromium);
        var page = await panel.Visitor();
        await page.GotoAsync("admin/licenses?state=active");
        await page.GetByLabel("E-mail address").FillAsync(Panel.Email);
        await page.GetByLabel("Password", new() { Exact = true }).FillAsync(Panel.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in", Exact = true }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex(@"/admin/licenses\?state=active"));
    }

    [Fact]
    public async Task Five_wrong_passwords_lock_the_account_for_the_right_one_too()
    {
        await using var panel = await Panel.WithOwner(chromium);
        var page = await panel.Visitor();
        for (var i = 0; i < 5; i++)
        {
            await Panel.SignIn(page, password: "not the right passphrase");
            await Expect(page.GetByRole(AriaRole.Alert).First).ToBeVisibleAsync();
        }

        await Panel.SignIn(page);
        await Expect(page.GetByRole(AriaRole.Alert).First).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/admin/sign-in"));
        Assert.Equal(1, Tables.Query<long>(panel.Shop.Database, "SELECT count(*) FROM audit WHERE action = 'operator.locked_out'"));
    }

    [Fact]
    public async Task With_a_second_factor_a_code_is_asked_for()
    {
        await using var panel = await Panel.WithOwner(chromium);
        var page = await panel.Owner();
        var secret = await TurnOnSecondFactor(page);
        var other = await panel.Visitor();
        await Panel.SignIn(other);
        await Expect(other).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("second-factor"));
        await other.Locator("input[autocomplete=one-time-code]").FillAsync("000000");
        await other.Keyboard.PressAsync("Enter");
        await Expect(other.GetByRole(AriaRole.Alert).First).ToBeVisibleAsync();

        // The code of the next half minute: the one of this was used up when it was turned on.
        await other.Locator("input[autocomplete=one-time-code]").FillAsync(new Totp(Base32Encoding.ToBytes(secret)).ComputeTotp(TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(30)));
        await other.Keyboard.PressAsync("Enter");
        await Expect(other.GetByRole(AriaRole.Heading, new() { Level = 1, Name = "Overview" })).ToBeVisibleAsync();
    }

    static async Task<string> TurnOnSecondFactor(IPage page)
    {
        await page.GotoAsync("admin/account");
        await page.GetByRole(AriaRole.Link, new() { Name = "Set it up" }).ClickAsync();
        var secret = (await page.Locator("code").First.InnerTextAsync()).Replace(" ", "", StringComparison.Ordinal);
        await page.Locator("input[autocomplete=one-time-code]").FillAsync(new Totp(Base32Encoding.ToBytes(secret)).ComputeTotp());
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByText("recovery codes").First).ToBeVisibleAsync();
        return secret;
    }

    [Fact]
    public async Task A_passkey_signs_in_without_a_password()
    {
        await using var panel = await Panel.WithOwner(chromium);
        var page = await panel.Owner();
        await WithAuthenticator(page);
        await page.GotoAsync("admin/account");
        await page.GetByLabel("Name of a new one").FillAsync("Laptop");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add a passkey" }).ClickAsync();
        await Expect(page.GetByText("Laptop")).ToBeVisibleAsync();
        await page.Context.ClearCookiesAsync();
        await page.GotoAsync("admin/sign-in");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in with a passkey" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = "Overview" })).ToBeVisibleAsync();
    }

    /// <summary>A device that agrees to everything, as Chromium has it for tests.</summary>
    static async Task WithAuthenticator(IPage page)
    {
        var devtools = await page.Context.NewCDPSessionAsync(page);
        await devtools.SendAsync("WebAuthn.enable");
        await devtools.SendAsync("WebAuthn.addVirtualAuthenticator", new Dictionary<string, object>
        {
            ["options"] = new Dictionary<string, object>
            {
                ["protocol"] = "ctap2",
                ["transport"] = "internal",
                ["hasResidentKey"] = true,
                ["hasUserVerification"] = true,
                ["isUserVerified"] = true,
                ["automaticPresenceSimulation"] = true,
            },
        });
    }

    [Fact]
    public async Task Signing_out_everywhere_else_ends_the_other_browsers_and_open_pages()
    {
        await using var panel = await Panel.WithOwner(chromium);
        var other = await panel.Visitor();
        await Panel.SignIn(other);
        await Panel.Open(other, "", "Overview");
        var page = await panel.Owner();
        await page.GotoAsync("admin/account");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out everywhere else", Exact = true }).ClickAsync();
        await other.GetByRole(AriaRole.Link, new() { Name = "Products", Exact = true }).ClickAsync();
        await Expect(other).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/admin/sign-in"));
    }
}
