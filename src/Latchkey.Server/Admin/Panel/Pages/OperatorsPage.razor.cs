using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Panel.Components;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Latchkey.Server.Admin.Panel.Pages;

public sealed partial class OperatorsPage
{
    readonly FormFaults _faults = new();
    PagedTable<OperatorView>? _table;
    List<InvitationView> _invitations = [];
    InvitationView? _link;
    string? _email;
    string _role = "support";
    bool _inviting;
    bool _busy;

    [Inject] Office Office { get; set; } = null!;
    [Inject] Settings Settings { get; set; } = null!;
    [Inject] NavigationManager Navigation { get; set; } = null!;
    [Inject] IDialogService Dialogs { get; set; } = null!;

    bool MayWrite => Office.May(Permission.OperatorsWrite);

    static string Factors(OperatorView person) => (person.SecondFactor, person.Passkeys) switch
    {
        (true, > 0) => $"Codes, {Words.Count(person.Passkeys, "passkey")}",
        (true, _) => "Codes",
        (_, > 0) => Words.Count(person.Passkeys, "passkey"),
        _ => "None",
    };

    async Task<Page<OperatorView>> Load(string? cursor)
    {
        var (people, links) = await Office.Read((OperatorOperations operators) => (operators.List(), operators.Invitations()));
        _invitations = links;
        StateHasChanged();
        return new Page<OperatorView>(people, null);
    }

    Task Look() => _table?.Refresh() ?? Task.CompletedTask;

    async Task Invite()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var home = Home.Of(Settings, Navigation);
            var made = await Office.Confirmed((OperatorOperations operators) => operators.Invite(_email ?? "", RoleName.Parse(_role) ?? Role.Viewer, home));
            if (made is not null)
            {
                (_link, _inviting, _email) = (made, false, null);
                _faults.Clear();
                await Look();
            }
        }
        catch (OperationException refused)
        {
            _faults.Take(refused);
        }

        _busy = false;
    }

    async Task Reset(OperatorView person)
    {
        if (!await ConfirmDialog.Ask(Dialogs, $"A new password for {person.Email}?", "You get a link to pass on. The old password stays good until the link is used.", "Make link")) return;
        var home = Home.Of(Settings, Navigation);
        _link = await Office.Do((OperatorOperations operators) => operators.Reset(person.Id, home)) ?? _link;
        await Look();
    }

    async Task ChangeRole(OperatorView person)
    {
        if (await RoleDialog.Ask(Dialogs, person.Email, person.Role) is not { } chosen || chosen == person.Role) return;
        await Set(person.Id, chosen, $"{person.Email}: {chosen}", () => Set(person.Id, person.Role, $"{person.Email}: {person.Role}"));
    }

    async Task Set(long id, string role, string done, Func<Task>? undo = null)
    {
        await Office.Do((OperatorOperations operators) => operators.SetRole(id, RoleName.Parse(role)!.Value), done, undo is null ? null : () => InvokeAsync(undo));
        await Look();
    }

    async Task Disable(OperatorView person)
    {
        if (!await ConfirmDialog.Ask(Dialogs, $"Disable {person.Email}?", "Every browser is signed out at once, and nobody signs in as this operator until you enable it again.", "Disable", danger: true)) return;
        await Office.Do((OperatorOperations operators) => operators.Disable(person.Id), $"{person.Email} is disabled", () => InvokeAsync(() => Enable(person.Id)));
        await Look();
    }

    async Task Enable(long id)
    {
        await Office.Do((OperatorOperations operators) => operators.Enable(id), "Enabled");
        await Look();
    }

    async Task TurnOffSecondFactor(OperatorView person)
    {
        const string text = "For somebody who lost the phone and the recovery codes: the password alone signs in, until a new one is set up. Every browser is signed out.";
        if (!await TypeToConfirmDialog.Ask(Dialogs, "Turn off the second factor?", text, person.Email, "Turn off")) return;
        await Office.Do((OperatorOperations operators) => operators.TurnOffSecondFactor(person.Id), "The second factor is off");
        await Look();
    }

    async Task Withdraw(InvitationView invitation)
    {
        if (!await ConfirmDialog.Ask(Dialogs, "Withdraw this link?", $"Whoever follows it is refused. You can make another for {invitation.Email}.", "Withdraw", danger: true)) return;
        await Office.Do((OperatorOperations operators) => Withdrawn(operators, invitation.Id), "The link is withdrawn");
        if (_link?.Id == invitation.Id) _link = null;
        await Look();
    }

    static string Withdrawn(OperatorOperations operators, long invitation)
    {
        operators.Withdraw(invitation);
        return "";
    }
}
