using Latchkey.Server.Admin.Access;
using Latchkey.Server.Tests.Support;
using Microsoft.AspNetCore.Identity;

namespace Latchkey.Server.Tests.Admin.SignIn;

public sealed class LinkTests
{
    [Fact]
    public async Task A_setup_link_makes_the_first_owner_and_signs_in()
    {
        await using var server = await TestServer.Run();
        var browser = await server.Owner();
        Assert.True(await browser.IsIn());
        var owner = Assert.Single(server.OperateStaff(o => o.List()));
        Assert.Equal((Staff.Ann, "owner", "active"), (owner.Email, owner.Role, owner.State));
        Assert.Equal(["operator.setup_link", "operator.add", "operator.sign_in"], server.Audited());
    }

    [Fact]
    public async Task A_setup_link_works_once_and_there_is_none_when_an_operator_exists()
    {
        await using var server = await TestServer.Run();
        var link = server.SetupLink();
        Assert.Equal(303, (await new Browser(server).Follow(link, Staff.Ann)).Status);
        var late = new Browser(server);
        Assert.Equal(410, (await late.Get(link)).Status);
        await late.Get("/admin/sign-in");
        Assert.Equal(410, (await late.Post(link, ("email", "eve@example.com"), ("password", Browser.Password), ("again", Browser.Password))).Status);
        Assert.Null(Server.Admin.SignIn.Links.Setup(server.Data, server.Clock));
        Assert.Single(server.OperateStaff(o => o.List()));
    }

    [Fact]
    public async Task A_setup_link_dies_when_an_operator_comes_by_invitation()
    {
        await using var server = await TestServer.Run();
        var link = server.SetupLink();
        await server.Colleague("bob@example.com", Role.Viewer);
        Assert.Equal(410, (await new Browser(server).Get(link)).Status);
    }

    [Theory]
    [InlineData(59, 200)]
    [InlineData(60, 410)]
    public async Task A_setup_link_is_good_for_an_hour(int minutes, int status)
    {
        await using var server = await TestServer.Run();
        var link = server.SetupLink();
        server.Clock.Advance(TimeSpan.FromMinutes(minutes));
        Assert.Equal(status, (await new Browser(server).Get(link)).Status);
    }

    [Fact]
    public async Task A_new_setup_link_ends_the_one_before()
    {
        await using var server = await TestServer.Run();
        var (first, second) = (server.SetupLink(), server.SetupLink());
        Assert.Equal(410, (await new Browser(server).Get(first)).Status);
        Assert.Equal(200, (await new Browser(server).Get(second)).Status);
    }

    [Fact]
    public async Task Looking_at_a_link_spends_nothing()
    {
        await using var server = await TestServer.Run();
        var link = server.SetupLink();
        for (var i = 0; i < 3; i++) Assert.Equal(200, (await new Browser(server).Get(link)).Status);
        await new Browser(server).Send(HttpMethod.Head, link, null);
        Assert.Equal(303, (await new Browser(server).Follow(link, Staff.Ann)).Status);
    }

    [Fact]
    public async Task Of_many_that_follow_one_setup_link_at_once_one_becomes_the_owner()
    {
        await using var server = await TestServer.Run();
        var link = server.SetupLink();
        var racers = Enumerable.Range(0, 8).Select(_ => new Browser(server)).ToList();
        foreach (var racer in racers) await racer.Get(link);
        var done = await Task.WhenAll(racers.Select((racer, i) => racer.Post(link, ("email", $"r{i}@example.com"), ("password", Browser.Password), ("again", Browser.Password))));
        Assert.Single(done, answer => answer.Status == 303);
        Assert.Single(server.OperateStaff(o => o.List()));
    }

    [Theory]
    [InlineData("ann@example.com", "too short", "too short", "at least 12")]
    [InlineData("ann@example.com", "ann@example.com", "ann@example.com", "must not be the e-mail")]
    [InlineData("ann@example.com", "password1234", "password1234", "among the first")]
    [InlineData("ann@example.com", "a rather long sentence", "another long sentence", "differ")]
    [InlineData("ann", "a rather long sentence", "a rather long sentence", "not an e-mail address")]
    public async Task A_bad_choice_is_refused_with_a_sentence_and_the_link_stays_good(string email, string password, string again, string says)
    {
        await using var server = await TestServer.Run();
        var link = server.SetupLink();
        var browser = new Browser(server);
        await browser.Get(link);
        var refused = await browser.Post(link, ("email", email), ("password", password), ("again", again));
        Assert.Equal(422, refused.Status);
        Assert.Contains(says, refused.Body);
        Assert.Contains($"value=\"{email}\"", refused.Body);
        if (password != email) Assert.DoesNotContain(password, refused.Body);
        Assert.Equal(303, (await browser.Follow(link, Staff.Ann)).Status);
    }

    [Fact]
    public async Task An_invitation_gives_the_role_it_names_and_takes_no_other_address()
    {
        await using var server = await TestServer.Run();
        var link = server.Invite("bob@example.com", Role.Support);
        var browser = new Browser(server);
        await browser.Get(link);
        await browser.Post(link, ("email", "eve@example.com"), ("role", "owner"), ("password", Browser.Password), ("again", Browser.Password));
        var bob = Assert.Single(server.OperateStaff(o => o.List()));
        Assert.Equal(("bob@example.com", "support"), (bob.Email, bob.Role));
        Assert.Equal(410, (await new Browser(server).Get(link)).Status);
    }

    [Theory]
    [InlineData(7 * 24 - 1, 200)]
    [InlineData(7 * 24, 410)]
    public async Task An_invitation_is_good_for_seven_days(int hours, int status)
    {
        await using var server = await TestServer.Run();
        var link = server.Invite("bob@example.com", Role.Support);
        server.Clock.AdjustTime(server.Clock.GetUtcNow() + TimeSpan.FromHours(hours));
        Assert.Equal(status, (await new Browser(server).Get(link)).Status);
    }

    [Fact]
    public async Task A_reset_link_changes_the_password_once_ends_every_session_and_the_lockout()
    {
        await using var server = await TestServer.Run();
        var browser = await server.Owner();
        for (var i = 0; i < 5; i++) await new Browser(server).SignIn(Staff.Ann, "a wrong password");
        var link = server.OperateStaff(o => o.Reset(o.IdOf(Staff.Ann), "").Url!);
        Assert.True(await browser.IsIn());
        var done = await new Browser(server).Follow(link, null, "quite another sentence");
        Assert.Equal((303, "/admin/sign-in?changed"), (done.Status, done.Location));
        Assert.False(await browser.IsIn());
        Assert.Equal(410, (await new Browser(server).Get(link)).Status);
        Assert.Equal(401, (await browser.SignIn(Staff.Ann)).Status);
        Assert.Equal(303, (await browser.SignIn(Staff.Ann, "quite another sentence")).Status);
    }

    [Theory]
    [InlineData("promoted")]
    [InlineData("demoted")]
    [InlineData("promoted and back")]
    [InlineData("disabled")]
    [InlineData("disabled and enabled")]
    [InlineData("another address")]
    public async Task A_reset_link_does_not_outlive_the_role_the_state_or_the_address_it_was_made_for(string change)
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        await server.Colleague("bob@example.com", Role.Support);
        var link = server.OperateStaff(o => o.Reset(2, "").Url!);
        Assert.Equal(200, (await new Browser(server).Get(link)).Status);
        if (change.StartsWith("promoted", StringComparison.Ordinal)) server.OperateStaff(o => o.SetRole(2, Role.Owner));
        if (change == "demoted") server.OperateStaff(o => o.SetRole(2, Role.Viewer));
        if (change.EndsWith("back", StringComparison.Ordinal)) server.OperateStaff(o => o.SetRole(2, Role.Support));
        if (change.StartsWith("disabled", StringComparison.Ordinal)) server.OperateStaff(o => o.Disable(2));
        if (change.EndsWith("enabled", StringComparison.Ordinal)) server.OperateStaff(o => o.Enable(2));
        if (change == "another address") Tables.Execute(server.Database(), "UPDATE operators SET email = 'bobby@example.com' WHERE id = 2");
        Assert.Equal(410, (await new Browser(server).Get(link)).Status);
        var thief = new Browser(server);
        await thief.Get("/admin/sign-in");
        Assert.Equal(410, (await thief.Post(link, ("password", "quite another sentence"), ("again", "quite another sentence"))).Status);
    }

    [Fact]
    public async Task A_link_made_for_a_disabled_operator_works_neither_before_nor_after_they_are_enabled()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        await server.Colleague("bob@example.com", Role.Support);
        server.OperateStaff(o => o.Disable(2));
        var link = server.OperateStaff(o => o.Reset(2, "").Url!);
        Assert.Equal(410, (await new Browser(server).Get(link)).Status);
        server.OperateStaff(o => o.Enable(2));
        Assert.Equal(410, (await new Browser(server).Get(link)).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_is_disabled_or_demoted_leaves_no_links_behind_that_they_made(bool disabled)
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        await server.Colleague("eve@example.com", Role.Owner);
        var eve = new Actor(ActorKind.Operator, 2, "eve@example.com", Permission.Of(Role.Owner));
        var links = new[]
        {
            server.OperateStaff(o => o.Invite("eve-too@example.com", Role.Owner, "").Url!, eve),
            server.OperateStaff(o => o.Reset(1, "").Url!, eve),
        };
        var other = server.Invite("bob@example.com", Role.Viewer);
        server.OperateStaff(o => disabled ? o.Disable(2) : o.SetRole(2, Role.Support));
        foreach (var link in links) Assert.Equal(410, (await new Browser(server).Get(link)).Status);
        Assert.Equal(200, (await new Browser(server).Get(other)).Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_passkey_that_somebody_added_does_not_survive_a_reset(bool lostPhone)
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        server.WithDb(db =>
        {
            db.Add(new IdentityUserPasskey<long>
            {
                CredentialId = [1, 2, 3],
                UserId = 1,
                Data = new IdentityPasskeyData { Name = "Eve's", PublicKey = [1], AttestationObject = [1], ClientDataJson = [1], Transports = [] },
            });
            return db.SaveChanges();
        });
        Assert.Equal(1, server.OperateStaff(o => o.Show(1)).Passkeys);
        if (lostPhone) server.OperateStaff(o => o.TurnOffSecondFactor(1));
        else await new Browser(server).Follow(server.OperateStaff(o => o.Reset(1, "").Url!), null, "quite another sentence");
        Assert.Equal(0, server.OperateStaff(o => o.Show(1)).Passkeys);
    }

    [Fact]
    public async Task Neither_token_nor_password_nor_session_reaches_the_log_or_the_audit_trail()
    {
        await using var server = await TestServer.Run();
        var link = server.SetupLink();
        var browser = new Browser(server);
        await browser.Follow(link, Staff.Ann);
        await new Browser(server).SignIn(Staff.Ann, "my secret typing error");
        await new Browser(server).SignIn("my secret typing error", "x");
        var session = server.WithDb(db => db.OperatorSessions.Single().Id);
        var written = string.Join('\n', server.Log.Lines) + string.Join('\n', server.WithDb(db => db.Audit.AsEnumerable().Select(a => $"{a.ActorName} {a.ObjectId} {a.Before} {a.After}").ToList()));
        Assert.All([link[^64..], Browser.Password, "secret typing", session], secret => Assert.DoesNotContain(secret, written));
    }
}
