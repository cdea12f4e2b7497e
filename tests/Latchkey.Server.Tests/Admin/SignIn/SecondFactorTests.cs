using System.Buffers.Binary;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.SignIn;

public sealed class SecondFactorTests
{
    static async Task<(TestServer Server, Browser Owner, string Key, string[] Codes)> WithSecondFactor()
    {
        var server = await TestServer.Run();
        var owner = await server.Owner();
        var (key, codes) = await owner.TurnOnSecondFactor();
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        return (server, owner, key, codes);
    }

    static async Task<Browser> AfterThePassword(TestServer server)
    {
        var browser = new Browser(server);
        var asked = await browser.SignIn(Staff.Ann);
        Assert.Equal((303, "/admin/sign-in/second-factor?return_to=%2Fadmin%2Faccount"), (asked.Status, asked.Location));
        Assert.False(await browser.IsIn());
        Assert.Equal(200, (await browser.Get(asked.Location!)).Status);
        return browser;
    }

    static Task<Shown> Give(Browser browser, string code) => browser.Post("/admin/sign-in/second-factor", ("code", code), ("return_to", "/admin/account"));

    [Theory]
    [InlineData(59, "287082")]
    [InlineData(1111111109, "081804")]
    [InlineData(1234567890, "005924")]
    [InlineData(20000000000, "353130")]
    public void Codes_are_those_of_RFC_6238(long seconds, string code) =>
        Assert.Equal(code, Totp.CodeAt("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", DateTimeOffset.FromUnixTimeSeconds(seconds)));

    [Fact]
    public async Task Where_it_is_on_the_password_alone_does_not_sign_in_and_a_code_does_once()
    {
        var (server, _, key, _) = await WithSecondFactor();
        await using var _1 = server;
        var code = Totp.CodeAt(key, server.Clock.GetUtcNow());
        var browser = await AfterThePassword(server);
        Assert.Equal(401, (await Give(browser, code == "000000" ? "000001" : "000000")).Status);
        Assert.Equal(303, (await Give(browser, code)).Status);
        Assert.True(await browser.IsIn());
        var second = await AfterThePassword(server);
        Assert.Equal(401, (await Give(second, code)).Status);
        Assert.False(await second.IsIn());
    }

    [Fact]
    public async Task One_code_given_by_many_at_once_signs_in_one()
    {
        var (server, _, key, _) = await WithSecondFactor();
        await using var _1 = server;
        var browsers = new List<Browser>();
        for (var i = 0; i < 4; i++) browsers.Add(await AfterThePassword(server));
        var code = Totp.CodeAt(key, server.Clock.GetUtcNow());
        Assert.Single(await Task.WhenAll(browsers.Select(browser => Give(browser, code))), answer => answer.Status == 303);
    }

    [Theory]
    [InlineData(-61, 401)]
    [InlineData(-30, 303)]
    [InlineData(30, 303)]
    [InlineData(61, 401)]
    public async Task A_code_is_good_for_its_half_minute_and_its_neighbours(int seconds, int status)
    {
        var (server, _, key, _) = await WithSecondFactor();
        await using var _1 = server;
        server.Clock.Advance(TimeSpan.FromMinutes(5));
        var browser = await AfterThePassword(server);
        Assert.Equal(status, (await Give(browser, Totp.CodeAt(key, server.Clock.GetUtcNow().AddSeconds(seconds)))).Status);
    }

    [Fact]
    public async Task A_recovery_code_signs_in_once()
    {
        var (server, _, _, codes) = await WithSecondFactor();
        await using var _1 = server;
        Assert.Equal(10, codes.Distinct().Count());
        Assert.Equal(303, (await Give(await AfterThePassword(server), codes[0])).Status);
        Assert.Equal(401, (await Give(await AfterThePassword(server), codes[0])).Status);
        var browsers = new[] { await AfterThePassword(server), await AfterThePassword(server) };
        Assert.Single(await Task.WhenAll(browsers.Select(browser => Give(browser, codes[1]))), answer => answer.Status == 303);
    }

    [Fact]
    public async Task Wrong_codes_lock_out_and_a_right_password_between_them_does_not_help()
    {
        var (server, _, key, _) = await WithSecondFactor();
        await using var _1 = server;
        for (var i = 0; i < 5; i++) Assert.Equal(401, (await Give(await AfterThePassword(server), "wrong")).Status);
        Assert.Equal(401, (await new Browser(server).SignIn(Staff.Ann)).Status);
        server.Clock.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal(303, (await Give(await AfterThePassword(server), Totp.CodeAt(key, server.Clock.GetUtcNow()))).Status);
    }

    [Fact]
    public async Task The_step_between_password_and_code_lasts_five_minutes()
    {
        var (server, _, key, _) = await WithSecondFactor();
        await using var _1 = server;
        var browser = await AfterThePassword(server);
        server.Clock.Advance(TimeSpan.FromMinutes(5) + TimeSpan.FromSeconds(1));
        Assert.StartsWith("/admin/sign-in?", (await Give(browser, Totp.CodeAt(key, server.Clock.GetUtcNow()))).Location);
        Assert.False(await browser.IsIn());
    }

    [Fact]
    public async Task Turning_it_off_asks_for_the_password_or_a_code_first()
    {
        var (server, owner, key, codes) = await WithSecondFactor();
        await using var _1 = server;
        server.Clock.Advance(TimeSpan.FromMinutes(11));
        await owner.Get("/admin/account");
        Assert.Equal("/admin/confirm?return_to=%2Fadmin%2Faccount", (await owner.Post("/admin/account/second-factor/off")).Location);
        Assert.Equal("/admin/confirm?return_to=%2Fadmin%2Faccount", (await owner.Post("/admin/account/recovery-codes")).Location);
        Assert.Equal(401, (await owner.Post("/admin/confirm", ("password", "a wrong password"))).Status);
        Assert.Equal(303, (await owner.Post("/admin/confirm", ("password", Totp.CodeAt(key, server.Clock.GetUtcNow())))).Status);
        var fresh = await owner.Post("/admin/account/recovery-codes");
        Assert.Equal(200, fresh.Status);
        Assert.DoesNotContain(codes[0], fresh.Body);
        Assert.Equal("/admin/account?done=off", (await owner.Post("/admin/account/second-factor/off")).Location);
        Assert.Equal("/admin/account", (await new Browser(server).SignIn(Staff.Ann)).Location);
        Assert.Subset(server.Audited().ToHashSet(), new HashSet<string> { "operator.second_factor_on", "operator.second_factor_off", "operator.recovery_codes_made", "session.confirm", "session.confirm_failed" });
    }

    [Fact]
    public async Task Neither_secret_nor_recovery_codes_can_be_read_in_the_database()
    {
        var (server, _, key, codes) = await WithSecondFactor();
        await using var _1 = server;
        var bytes = Tables.Everything(server.Database());
        Assert.Contains(Staff.Ann, bytes);
        Assert.All([key, .. codes, Browser.Password], secret => Assert.DoesNotContain(secret, bytes));

        // As Identity writes it: its format, the function (2 is HMAC-SHA-512), the rounds.
        var password = Convert.FromBase64String(server.WithDb(db => db.Users.Single().PasswordHash!));
        Assert.Equal((1, 2u, 210_000u), (password[0], BinaryPrimitives.ReadUInt32BigEndian(password.AsSpan(1)), BinaryPrimitives.ReadUInt32BigEndian(password.AsSpan(5))));
    }
}
