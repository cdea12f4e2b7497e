using System.Security.Claims;
using System.Text.RegularExpressions;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Tests.Support;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Tests.Admin.SignIn;

public sealed partial class SessionTests
{
    static Browser CopyOf(Browser browser, TestServer server)
    {
        var copy = new Browser(server);
        foreach (var (name, value) in browser.Cookies) copy.Cookies[name] = value;
        return copy;
    }

    [Fact]
    public async Task An_old_cookie_is_refused_after_signing_out()
    {
        await using var server = await TestServer.Run();
        var browser = await server.Owner();
        var thief = CopyOf(browser, server);
        Assert.True(await thief.IsIn());
        await browser.Get("/admin/account");
        Assert.Equal("/admin/sign-in", (await browser.Post("/admin/sign-out")).Location);
        Assert.DoesNotContain(browser.Cookies.Keys, name => name.StartsWith("latchkey-session", StringComparison.Ordinal));
        Assert.False(await thief.IsIn());
        Assert.Contains("operator.sign_out", server.Audited());
    }

    [Fact]
    public async Task A_session_ended_from_another_browser_is_over()
    {
        await using var server = await TestServer.Run();
        var here = await server.Owner();
        var (there, third) = (new Browser(server), new Browser(server));
        await there.SignIn(Staff.Ann);
        await third.SignIn(Staff.Ann);
        var page = await here.Get("/admin/account");
        var handles = Handle().Matches(page.Body).Select(m => m.Groups[1].Value).ToList();
        Assert.Equal(2, handles.Count);
        await here.Post("/admin/account/sessions/end", ("id", handles[0]));
        Assert.Single(new[] { await there.IsIn(), await third.IsIn() }, isIn => isIn);
        await here.Post("/admin/account/sessions/end-others");
        Assert.False(await there.IsIn() || await third.IsIn());
        Assert.True(await here.IsIn());
    }

    [Fact]
    public async Task Nobody_ends_the_session_of_another_operator()
    {
        await using var server = await TestServer.Run();
        var ann = await server.Owner();
        var handle = Sessions.Handle(server.WithDb(db => db.OperatorSessions.Single().Id));
        var bob = await server.Colleague("bob@example.com", Role.Viewer);
        await bob.Get("/admin/account");
        await bob.Post("/admin/account/sessions/end", ("id", handle));
        await bob.Post("/admin/account/sessions/end-others");
        Assert.True(await ann.IsIn());
    }

    [Fact]
    public async Task A_disabled_operator_is_out_at_once()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        var bob = await server.Colleague("bob@example.com", Role.Manager);
        server.OperateStaff(o => o.Disable(o.IdOf("bob@example.com")));
        Assert.False(await bob.IsIn());
        server.OperateStaff(o => o.Enable(o.IdOf("bob@example.com")));
        Assert.False(await bob.IsIn());
        Assert.Equal(303, (await bob.SignIn("bob@example.com")).Status);

        // Even where the session's row outlives it.
        server.WithDb(db => db.Users.Where(o => o.Email == "bob@example.com").ExecuteUpdate(set => set.SetProperty(o => o.DisabledAt, server.Clock.GetUtcNow())));
        Assert.False(await bob.IsIn());
    }

    [Fact]
    public async Task A_changed_password_ends_all_other_sessions()
    {
        await using var server = await TestServer.Run();
        var here = await server.Owner();
        var there = new Browser(server);
        await there.SignIn(Staff.Ann);
        await here.Get("/admin/account");
        var wrong = await here.Post("/admin/account/password", ("current", "a wrong password"), ("password", "quite another sentence"), ("again", "quite another sentence"));
        Assert.Equal(422, wrong.Status);
        Assert.True(await there.IsIn());
        var done = await here.Post("/admin/account/password", ("current", Browser.Password), ("password", "quite another sentence"), ("again", "quite another sentence"));
        Assert.Equal("/admin/account?done=password", done.Location);
        Assert.False(await there.IsIn());
        Assert.True(await here.IsIn());
        Assert.Equal(401, (await there.SignIn(Staff.Ann)).Status);
        Assert.Equal(303, (await there.SignIn(Staff.Ann, "quite another sentence")).Status);
    }

    [Fact]
    public async Task A_session_ends_after_twelve_idle_hours()
    {
        await using var server = await TestServer.Run();
        var browser = await server.Owner();
        for (var i = 0; i < 3; i++)
        {
            server.Clock.AdjustTime(server.Clock.GetUtcNow() + TimeSpan.FromHours(11));
            Assert.True(await browser.IsIn());
        }

        server.Clock.AdjustTime(server.Clock.GetUtcNow() + TimeSpan.FromHours(12));
        Assert.False(await browser.IsIn());
    }

    [Fact]
    public async Task A_session_ends_after_fourteen_days_however_busy()
    {
        await using var server = await TestServer.Run();
        var browser = await server.Owner();
        for (var hours = 10; hours < 14 * 24; hours += 10)
        {
            server.Clock.AdjustTime(server.Clock.GetUtcNow() + TimeSpan.FromHours(10));
            Assert.True(await browser.IsIn());
        }

        server.Clock.AdjustTime(server.Clock.GetUtcNow() + TimeSpan.FromHours(6));
        Assert.False(await browser.IsIn());
    }

    [Fact]
    public async Task The_actor_is_read_anew_on_every_call()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        await server.Colleague("bob@example.com", Role.Manager);
        var (id, session) = server.WithDb(db => db.OperatorSessions.OrderByDescending(s => s.OperatorId).Select(s => new ValueTuple<long, string>(s.OperatorId, s.Id)).First());
        var sessions = server.Services.GetRequiredService<Sessions>();
        var claims = Sessions.Principal(id, session, "bob@example.com", Role.Owner);
        Assert.True(sessions.ActorOf(claims)!.May(Permission.LicensesWrite));
        Assert.False(sessions.ActorOf(claims)!.May(Permission.OperatorsWrite));
        server.OperateStaff(o => o.SetRole(id, Role.Viewer));
        Assert.False(sessions.ActorOf(claims)!.May(Permission.LicensesWrite));
        Assert.Null(sessions.ActorOf(1, session));
        Assert.Null(sessions.ActorOf(new ClaimsPrincipal()));
        server.OperateStaff(o => o.EndSessions(id));
        Assert.Null(sessions.ActorOf(claims));
    }

    [Fact]
    public async Task A_confirmation_lasts_ten_minutes_and_wrong_ones_lock_out()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        var session = server.WithDb(db => db.OperatorSessions.Single().Id);
        var sessions = server.Services.GetRequiredService<Sessions>();
        var confirmations = server.Services.GetRequiredService<Confirmations>();
        var caller = new Caller("192.0.2.1", null, "a circuit", default);
        Assert.True(sessions.ActorOf(1, session)!.IsConfirmed);
        server.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.False(sessions.ActorOf(1, session)!.IsConfirmed);
        Assert.False(await confirmations.Confirm(1, session, "a wrong password", caller));
        Assert.False(await confirmations.Confirm(1, "another session", Browser.Password, caller));
        Assert.False(sessions.ActorOf(1, session)!.IsConfirmed);
        Assert.True(await confirmations.Confirm(1, session, Browser.Password, caller));
        Assert.True(sessions.ActorOf(1, session)!.IsConfirmed);
        server.Clock.Advance(TimeSpan.FromMinutes(10));
        for (var i = 0; i < 5; i++) await confirmations.Confirm(1, session, "a wrong password", caller);
        Assert.False(await confirmations.Confirm(1, session, Browser.Password, caller));
        Assert.Contains("operator.locked_out", server.Audited());
    }

    [GeneratedRegex("""name="id" value="([0-9a-f]{16})""")]
    private static partial Regex Handle();
}
