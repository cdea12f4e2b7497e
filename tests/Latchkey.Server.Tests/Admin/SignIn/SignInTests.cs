using System.Text.RegularExpressions;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.SignIn;

public sealed partial class SignInTests
{
    [Fact]
    public async Task The_right_password_signs_in_and_leads_where_one_wanted_to_go()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        var browser = new Browser(server);
        var asked = await browser.Get("/admin/account?x=1");
        Assert.Equal((303, "/admin/sign-in?return_to=%2Fadmin%2Faccount%3Fx%3D1"), (asked.Status, asked.Location));
        var done = await browser.SignIn(" ANN@example.com ", returnTo: "/admin/account?x=1");
        Assert.Equal((303, "/admin/account?x=1"), (done.Status, done.Location));
        Assert.True(await browser.IsIn());
    }

    [Fact]
    public async Task A_wrong_password_an_unknown_address_and_a_disabled_or_locked_operator_answer_alike()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        await server.Colleague("off@example.com", Role.Viewer);
        await server.Colleague("locked@example.com", Role.Viewer);
        server.OperateStaff(o => o.Disable(o.IdOf("off@example.com")));
        for (var i = 0; i < 5; i++) await new Browser(server).SignIn("locked@example.com", "a wrong password");
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        var pages = new List<(int, string)>();
        foreach (var (email, password) in new[] { (Staff.Ann, "a wrong password"), ("nobody@example.com", Browser.Password), ("off@example.com", Browser.Password), ("locked@example.com", Browser.Password) })
        {
            var answer = await new Browser(server).SignIn(email, password);
            Assert.DoesNotContain(answer.SetCookies, cookie => cookie.Contains("latchkey-session", StringComparison.Ordinal));
            pages.Add((answer.Status, Token().Replace(answer.Body, "").Replace(email, "<email>")));
        }

        Assert.Equal(401, pages[0].Item1);
        Assert.Single(pages.Distinct());
    }

    [Fact]
    public async Task An_unknown_address_takes_as_long_as_a_wrong_password()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        async Task<TimeSpan> Time(string email)
        {
            server.Clock.Advance(TimeSpan.FromMinutes(20));
            var browser = new Browser(server);
            await browser.Get("/admin/sign-in");
            var began = TimeProvider.System.GetTimestamp();
            await browser.Post("/admin/sign-in", ("email", email), ("password", "a wrong password"));
            return TimeProvider.System.GetElapsedTime(began);
        }

        await Time("nobody@example.com");
        var unknown = new List<TimeSpan>();
        var wrong = new List<TimeSpan>();
        for (var i = 0; i < 5; i++)
        {
            wrong.Add(await Time(Staff.Ann));
            unknown.Add(await Time("nobody@example.com"));
        }

        // The fastest of each: without the hash in vain it would be a tenth.
        Assert.InRange(unknown.Min() / wrong.Min(), 0.5, 2);
    }

    [Fact]
    public async Task Five_wrong_passwords_lock_out_for_fifteen_minutes()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        for (var i = 0; i < 4; i++) await new Browser(server).SignIn(Staff.Ann, "a wrong password");
        Assert.Equal(303, (await new Browser(server).SignIn(Staff.Ann)).Status);
        for (var i = 0; i < 5; i++) await new Browser(server).SignIn(Staff.Ann, "a wrong password");
        Assert.Equal(401, (await new Browser(server).SignIn(Staff.Ann)).Status);
        server.Clock.Advance(TimeSpan.FromMinutes(15) - TimeSpan.FromSeconds(1));
        Assert.Equal(401, (await new Browser(server).SignIn(Staff.Ann)).Status);
        server.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(303, (await new Browser(server).SignIn(Staff.Ann)).Status);
        Assert.Single(server.Audited(), "operator.locked_out");
    }

    [Fact]
    public async Task Guesses_that_come_all_at_once_are_counted_too()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        var browsers = Enumerable.Range(0, 12).Select(_ => new Browser(server)).ToList();
        foreach (var browser in browsers) await browser.Get("/admin/sign-in");
        await Task.WhenAll(browsers.Select(browser => browser.Post("/admin/sign-in", ("email", Staff.Ann), ("password", "a wrong password"))));
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(401, (await new Browser(server).SignIn(Staff.Ann)).Status);
        Assert.Single(server.Audited(), "operator.locked_out");
    }

    [Fact]
    public async Task An_address_may_try_twenty_times_a_minute_whoever_it_tries()
    {
        await using var server = await TestServer.Run();
        var browser = new Browser(server);
        for (var i = 0; i < 20; i++) Assert.Equal(401, (await browser.SignIn($"n{i}@example.com", "a wrong password")).Status);
        var refused = await browser.SignIn("n20@example.com", "a wrong password");
        Assert.Equal(429, refused.Status);
        Assert.True(refused.Answer.Headers.RetryAfter is not null);
        Assert.Equal(429, (await browser.Get("/admin/setup/" + new string('0', 64))).Status);
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(401, (await browser.SignIn("n20@example.com", "a wrong password")).Status);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/\\evil.example/")]
    [InlineData("/admin//evil.example")]
    [InlineData("/admin/\\evil.example")]
    [InlineData("/administrator")]
    [InlineData("/api/license/verify")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/admin/\r\nSet-Cookie: a=b")]
    [InlineData("")]
    public async Task It_never_leads_elsewhere(string returnTo)
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        Assert.Equal("/admin/", (await new Browser(server).SignIn(Staff.Ann, returnTo: returnTo)).Location);
        Assert.DoesNotContain("evil", (await new Browser(server).Get("/admin/sign-in?return_to=" + Uri.EscapeDataString(returnTo))).Body);
    }

    [Fact]
    public async Task A_failed_sign_in_keeps_the_address_and_never_the_password()
    {
        await using var server = await TestServer.Run();
        var refused = await new Browser(server).SignIn("bob@example.com", "a wrong password");
        Assert.Contains("value=\"bob@example.com\"", refused.Body);
        Assert.DoesNotContain("a wrong password", refused.Body);
        Assert.Contains("role=\"alert\"", refused.Body);
        Assert.Equal("bob@example.com", server.WithDb(db => db.Audit.Single(a => a.Action == "operator.sign_in_failed").ActorName));
    }

    [Theory]
    [InlineData("/admin/sign-in/passkey", "{}")]
    [InlineData("/admin/sign-in/passkey", "not json")]
    [InlineData("/admin/sign-in/passkey", """{"credential":7}""")]
    [InlineData("/admin/sign-in/passkey", """{"credential":{}}""")]
    [InlineData("/admin/sign-in/passkey", """{"credential":{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"AA","authenticatorData":"AA","signature":"AA"},"clientExtensionResults":{}}}""")]
    public async Task Garbage_for_a_passkey_is_refused(string path, string body)
    {
        await using var server = await TestServer.Run();
        var browser = new Browser(server);
        await browser.Get("/admin/sign-in");
        Assert.InRange((await browser.PostJson(path, body)).Status, 400, 401);
        Assert.Equal(200, (await browser.PostJson("/admin/sign-in/passkey-options", "{}")).Status);
        Assert.InRange((await browser.PostJson(path, body)).Status, 400, 401);
        Assert.DoesNotContain(browser.Cookies.Keys, name => name.StartsWith("latchkey-session", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nothing_in_a_form_or_a_link_is_unforeseen()
    {
        await using var server = await TestServer.Run(("TrustedProxies", "127.0.0.1"));
        var link = server.SetupLink();
        await server.Owner();

        // Signed in just now, with the token of a page of theirs: else all of it is refused before anybody looks at it.
        async Task<Browser> Owner()
        {
            server.Clock.Advance(Attempts.Lockout);
            var browser = new Browser(server);
            await browser.SignIn(Staff.Ann);
            Assert.True(await browser.IsIn());
            return browser;
        }

        void Foreseen(Shown shown, string what)
        {
            Assert.True(shown.Status < 500, $"{what}: {shown.Status}");

            // What has a NUL in it is no form at all.
            if (!what.Contains('\0', StringComparison.Ordinal)) Assert.False(shown.Body.Contains("This form was not made by the page you see", StringComparison.Ordinal), $"{what}: not looked at");
            server.Clock.Advance(TimeSpan.FromSeconds(4));
        }

        string[] values = ["", "\0", "a\0@b.example", "%", "\u202e@\uffff", "\ud83d\udca9@example.com", new string('a', 100_000), "'; --", "\r\nSet-Cookie: a=b", "-1", "999999999999999999999999", "=="];
        (string Path, string[] Fields)[] forms =
        [
            ("/admin/sign-in", ["email", "password", "return_to", "passkey"]), ("/admin/sign-in/second-factor", ["code", "return_to"]), ("/admin/confirm", ["password", "return_to"]),
            (link, ["email", "password", "again"]), ("/admin/invitation/x", ["password"]), ("/admin/reset/%00", ["password"]), ("/admin/account/password", ["password", "again"]),
            ("/admin/account/second-factor", ["code"]), ("/admin/account/passkeys/remove", ["id"]), ("/admin/account/sessions/end", ["id"]),
        ];
        foreach (var (path, fields) in forms)
        {
            foreach (var field in fields)
            {
                var owner = await Owner();
                foreach (var value in values) Foreseen(await owner.Post(path, (field, value)), $"{path} {field} {value[..Math.Min(20, value.Length)]}");
            }
        }

        string[] bodies = ["{", "[]", "null", "\"\"", "{\"credential\":{},\"return_to\":\"\\ud800\"}", "{\"credential\":{\"id\":\"\\ud800\"}}", "{\"credential\":{},\"name\":\"\\udc00\"}", "{\"\\ud800\":1}", new string('[', 100_000), "{\"credential\":" + string.Concat(Enumerable.Repeat("{\"a\":", 60)) + "1" + new string('}', 61)];
        foreach (var path in (string[])["/admin/sign-in/passkey-options", "/admin/sign-in/passkey", "/admin/account/passkeys/options", "/admin/account/passkeys"])
        {
            var owner = await Owner();
            foreach (var body in bodies)
            {
                // A challenge first, as the script asks for one: without it nothing is read of a passkey.
                if (!path.EndsWith("options", StringComparison.Ordinal)) Assert.Equal(200, (await owner.PostJson(path == "/admin/account/passkeys" ? path + "/options" : path + "-options", "{}")).Status);
                Foreseen(await owner.PostJson(path, body), $"{path} {body[..Math.Min(60, body.Length)]}");
            }
        }

        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("nobody foresaw", StringComparison.Ordinal));
    }

    [GeneratedRegex("value=\"CfDJ[^\"]+\"")]
    private static partial Regex Token();
}
