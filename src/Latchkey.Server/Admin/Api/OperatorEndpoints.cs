using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

/// <param name="Email">For whom.</param>
/// <param name="Role">owner, manager, support or viewer.</param>
sealed record InviteOperatorRequest(string Email, string Role);

/// <param name="Role">owner, manager, support or viewer.</param>
sealed record EditOperatorRequest(string Role);

static class OperatorEndpoints
{
    public static void Map(RouteGroupBuilder operators)
    {
        operators.MapGet("/", (OperatorOperations operations) => new Page<OperatorView>(operations.List(), null))
            .WithName("listOperators").WithSummary("List operators").Needs(Permission.OperatorsRead);
        operators.MapPost("/", Invite).WithName("inviteOperator").WithSummary("Make an invitation link; it is answered this once").Needs(Permission.OperatorsWrite).Refuses("OPERATOR_EXISTS");
        operators.MapGet("/invitations", (OperatorOperations operations) => new Page<InvitationView>(operations.Invitations(), null))
            .WithName("listInvitations").WithSummary("List the links that can still be followed, without the links themselves").Needs(Permission.OperatorsRead);
        operators.MapDelete("/invitations/{id:long}", (long id, OperatorOperations operations) => operations.Withdraw(id))
            .WithName("withdrawInvitation").WithSummary("Make a link worthless").Needs(Permission.OperatorsWrite).Refuses("INVITATION_NOT_FOUND");
        operators.MapGet("/{id:long}", (long id, OperatorOperations operations) => operations.Show(id))
            .WithName("getOperator").WithSummary("Show an operator").Needs(Permission.OperatorsRead).Refuses("OPERATOR_NOT_FOUND");
        operators.MapPatch("/{id:long}", (long id, EditOperatorRequest edit, OperatorOperations operations) => operations.SetRole(id, RoleOf(edit.Role)))
            .WithName("editOperator").WithSummary("Change an operator's role").Needs(Permission.OperatorsWrite).Refuses("OPERATOR_NOT_FOUND", "LAST_OWNER");
        MapActions(operators.MapGroup("/{id:long}"));
    }

    static void MapActions(RouteGroupBuilder person)
    {
        person.MapPost("/disable", (long id, OperatorOperations operations) => operations.Disable(id))
            .WithName("disableOperator").WithSummary("Sign an operator out everywhere, and let them in no more").Needs(Permission.OperatorsWrite).Refuses("OPERATOR_NOT_FOUND", "LAST_OWNER");
        person.MapPost("/enable", (long id, OperatorOperations operations) => operations.Enable(id))
            .WithName("enableOperator").WithSummary("Let a disabled operator in again").Needs(Permission.OperatorsWrite).Refuses("OPERATOR_NOT_FOUND");
        person.MapPost("/reset", Reset)
            .WithName("resetOperator").WithSummary("Make a link to choose a new password; it is answered this once").Needs(Permission.OperatorsWrite).Refuses("OPERATOR_NOT_FOUND");
    }

    static Created<InvitationView> Invite(InviteOperatorRequest wanted, HttpContext context, OperatorOperations operations, Settings settings) =>
        TypedResults.Created("/api/admin/operators/invitations", operations.Invite(wanted.Email, RoleOf(wanted.Role), settings.HomeOf(context.Request)));

    static Created<InvitationView> Reset(long id, HttpContext context, OperatorOperations operations, Settings settings) =>
        TypedResults.Created("/api/admin/operators/invitations", operations.Reset(id, settings.HomeOf(context.Request)));

    static Role RoleOf(string text) => RoleName.Parse(text) ?? throw OperationException.Invalid("/role", $"The role must be {RoleName.Rule}.");
}
