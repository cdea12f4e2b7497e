using System.Collections.Frozen;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.SignIn;

public sealed class OperatorOperationsTests
{
    static Actor With(params string[] permissions) => new(ActorKind.ApiKey, 1, "key", permissions.ToFrozenSet());

    static OperationFault Fault(Action action) => Assert.Throws<OperationException>(action).Fault;

    [Fact]
    public async Task The_last_owner_can_be_neither_disabled_nor_demoted()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        await server.Colleague("bob@example.com", Role.Owner);
        var (ann, bob) = (server.OperateStaff(o => o.IdOf(Staff.Ann)), server.OperateStaff(o => o.IdOf("bob@example.com")));
        server.OperateStaff(o => o.Disable(ann));
        Assert.Equal(OperationFault.Conflict, Fault(() => server.OperateStaff(o => o.Disable(bob))));
        Assert.Equal(OperationFault.Conflict, Fault(() => server.OperateStaff(o => o.SetRole(bob, Role.Manager))));
        Assert.Equal("owner", server.OperateStaff(o => o.Show(bob)).Role);
        server.OperateStaff(o => o.Enable(ann));
        server.OperateStaff(o => o.SetRole(bob, Role.Manager));
    }

    [Fact]
    public async Task Two_owners_who_disable_each_other_at_once_leave_one()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        await server.Colleague("bob@example.com", Role.Owner);
        await Task.WhenAll(new[] { 1L, 2L }.Select(id => Task.Run(() =>
        {
            try
            {
                server.OperateStaff(o => o.Disable(id));
            }
            catch (OperationException)
            {
                // One of them is the last.
            }
        })));
        Assert.Single(server.OperateStaff(o => o.List()), o => o.State == "active");
    }

    [Fact]
    public async Task Nobody_gives_or_touches_more_than_they_have()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        await server.Colleague("bob@example.com", Role.Viewer);
        var narrow = With([Permission.OperatorsRead, Permission.OperatorsWrite, .. Permission.Of(Role.Support)]);
        Assert.Equal(OperationFault.Forbidden, Fault(() => server.OperateStaff(o => o.Invite("eve@example.com", Role.Owner, ""), narrow)));
        Assert.Equal(OperationFault.Forbidden, Fault(() => server.OperateStaff(o => o.SetRole(2, Role.Manager), narrow)));
        Assert.Equal(OperationFault.Forbidden, Fault(() => server.OperateStaff(o => o.Disable(1), narrow)));
        Assert.Equal(OperationFault.Forbidden, Fault(() => server.OperateStaff(o => o.Reset(1, ""), narrow)));
        Assert.Equal(OperationFault.Forbidden, Fault(() => server.OperateStaff(o => o.TurnOffSecondFactor(1), narrow)));
        Assert.Equal(OperationFault.Forbidden, Fault(() => server.OperateStaff(o => o.EndSessions(1), narrow)));
        Assert.Equal("support", server.OperateStaff(o => o.SetRole(2, Role.Support), narrow).Role);
    }

    [Fact]
    public async Task Each_needs_its_permission_and_a_change_a_confirmation()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        Assert.Equal(OperationFault.Forbidden, Fault(() => server.OperateStaff(o => o.List(), With())));
        Assert.Equal(OperationFault.Forbidden, Fault(() => server.OperateStaff(o => o.Invite("a@example.com", Role.Viewer, ""), With(Permission.OperatorsRead))));
        var unconfirmed = Actor.CommandLine() with { IsConfirmed = false };
        Assert.Single(server.OperateStaff(o => o.List(), unconfirmed));
        Assert.Equal(OperationFault.ConfirmationNeeded, Fault(() => server.OperateStaff(o => o.Invite("a@example.com", Role.Viewer, ""), unconfirmed)));
        Assert.Equal(OperationFault.ConfirmationNeeded, Fault(() => server.OperateStaff(o => o.Disable(1), unconfirmed)));
        Assert.Equal(OperationFault.ConfirmationNeeded, Fault(() => server.OperateStaff(o => o.EndSessions(1), unconfirmed)));
    }

    [Fact]
    public async Task A_new_invitation_ends_the_one_before_and_one_can_be_withdrawn()
    {
        await using var server = await TestServer.Run();
        var (first, second) = (server.Invite("bob@example.com", Role.Viewer), server.Invite("bob@example.com", Role.Manager));
        Assert.Equal(410, (await new Browser(server).Get(first)).Status);
        Assert.Equal(200, (await new Browser(server).Get(second)).Status);
        var open = Assert.Single(server.OperateStaff(o => o.Invitations()));
        Assert.Null(open.Url);
        server.OperateStaff(o => { o.Withdraw(open.Id); return 0; });
        Assert.Equal(410, (await new Browser(server).Get(second)).Status);
        Assert.Equal(OperationFault.Conflict, Fault(() => { server.Invite("bob@example.com", Role.Viewer); Colleague(server); server.Invite("BOB@example.com", Role.Viewer); }));

        static void Colleague(TestServer server) => server.WithDb(db =>
        {
            db.Add(new Server.Admin.SignIn.Operator { UserName = "bob@example.com", Email = "bob@example.com", NormalizedEmail = "BOB@EXAMPLE.COM", NormalizedUserName = "BOB@EXAMPLE.COM" });
            return db.SaveChanges();
        });
    }

    [Fact]
    public async Task A_new_invitation_ends_the_one_before_however_the_address_is_spelled()
    {
        await using var server = await TestServer.Run();
        var (first, second) = (server.Invite("Bob@Example.com", Role.Owner), server.Invite("bob@example.com", Role.Viewer));
        Assert.Equal((410, 200), ((await new Browser(server).Get(first)).Status, (await new Browser(server).Get(second)).Status));
    }

    [Fact]
    public async Task A_revoked_API_key_leaves_no_links_behind_that_it_made()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        var key = server.Work(work => new ApiKeyOperations(work).Add(new NewApiKey("leaked", [.. Permission.All])));
        var actor = new Actor(ActorKind.ApiKey, key.Id, "leaked", Permission.All.ToFrozenSet());
        var (link, other) = (server.OperateStaff(o => o.Invite("eve@example.com", Role.Owner, "").Url!, actor), server.Invite("bob@example.com", Role.Viewer));
        Assert.Equal(200, (await new Browser(server).Get(link)).Status);
        server.Work(work => new ApiKeyOperations(work).Revoke(key.Id));
        Assert.Equal((410, 200), ((await new Browser(server).Get(link)).Status, (await new Browser(server).Get(other)).Status));
    }

    [Fact]
    public async Task What_is_done_is_audited_without_the_link()
    {
        await using var server = await TestServer.Run();
        await server.Owner();
        var link = server.Invite("bob@example.com", Role.Viewer);
        var entry = server.WithDb(db => db.Audit.Single(a => a.Action == "operator.invite"));
        Assert.Equal(("bob@example.com", ActorKind.CommandLine), (entry.ObjectId, entry.ActorKind));
        Assert.DoesNotContain(link[^64..], entry.After);
        server.OperateStaff(o => o.TurnOffSecondFactor(1));
        server.OperateStaff(o => o.Reset(1, ""));
        server.OperateStaff(o => o.EndSessions(1));
        Assert.Equal(["operator.second_factor_off", "operator.reset", "session.end_all"], server.Audited().TakeLast(3));
    }
}
