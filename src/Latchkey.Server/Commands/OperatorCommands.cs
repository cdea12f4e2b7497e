using System.CommandLine;
using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey operator …</c></summary>
static class OperatorCommands
{
    static readonly Option<string> Email = new("--email") { Description = "The person's e-mail address", HelpName = "EMAIL", Required = true };
    static readonly Option<string> Role = new("--role") { Description = "What they may do: owner, manager, support or viewer", HelpName = "ROLE", Required = true };

    public static Command Make() => new("operator", "Who works with the admin panel.")
    {
        Add(), List(), Reset(),
        One("edit", "Give an operator another role.", (operators, id, parsed) => operators.SetRole(id, RoleOf(parsed)), Role),
        One("disable", "Sign an operator out everywhere, and refuse to sign in.", (operators, id, _) => operators.Disable(id)),
        One("enable", "Take that back.", (operators, id, _) => operators.Enable(id)),
    };

    static Command One(string verb, string what, Func<OperatorOperations, long, ParseResult, OperatorView> action, params Option[] options)
    {
        var command = new Command(verb, what) { Email };
        foreach (var option in options) command.Add(option);
        command.SetAction(parsed => Run(parsed, create: false, operators => Print(parsed, action(operators, operators.IdOf(parsed.GetValue(Email)!), parsed))));
        return command;
    }

    static Command Add()
    {
        var command = new Command("add", "Make an invitation link, for a new operator to choose a password with.") { Email, Role };
        command.SetAction(parsed =>
        {
            var role = RoleOf(parsed);
            return Run(parsed, create: true, operators => Print(parsed, operators.Invite(parsed.GetValue(Email)!, role, Home(parsed))));
        });
        return command;
    }

    static Command Reset()
    {
        var off = new Option<bool>("--second-factor-off") { Description = "Also turn the second factor off and remove the passkeys, at once: for a lost phone" };
        var command = new Command("reset", "Make a link to choose a new password with.") { Email, off };
        command.SetAction(parsed => Run(parsed, create: false, operators =>
        {
            var id = operators.IdOf(parsed.GetValue(Email)!);
            if (parsed.GetValue(off)) operators.TurnOffSecondFactor(id);
            return Print(parsed, operators.Reset(id, Home(parsed)));
        }));
        return command;
    }

    static Command List()
    {
        var command = new Command("list", "List the operators.");
        command.SetAction(parsed => Run(parsed, create: false, operators => Output.DoneList(
            parsed, operators.List(), Cells, ["ID", "EMAIL", "ROLE", "STATE", "SECOND FACTOR", "PASSKEYS", "LAST SIGN-IN"],
            "No operator yet: \"latchkey serve\" prints a link that makes the first one.")));
        return command;
    }

    static string[] Cells(OperatorView o) =>
    [
        o.Id.ToString(CultureInfo.InvariantCulture), o.Email, o.Role, o.State, o.SecondFactor ? "on" : "off",
        o.Passkeys.ToString(CultureInfo.InvariantCulture), o.LastSignInAt ?? "never",
    ];

    static Role RoleOf(ParseResult parsed) =>
        RoleName.Parse(parsed.GetValue(Role)) ?? throw new UsageException($"--role \"{parsed.GetValue(Role)}\" is not {RoleName.Rule}.");

    static string Home(ParseResult parsed) => Links.Home(CommandLine.SettingsOf(parsed));

    static int Run(ParseResult parsed, bool create, Func<OperatorOperations, int> action)
    {
        var data = CommandLine.OpenData(parsed, create);
        using var work = UnitOfWork.Open(data, TimeProvider.System, Actor.CommandLine());
        return action(new OperatorOperations(work));
    }

    static int Print(ParseResult parsed, OperatorView person) => Output.Done(parsed, person, o => Output.Facts(
        ("operator", $"{o.Id}  {o.Email}"),
        ("role", o.Role),
        ("state", o.State),
        ("2nd factor", o.SecondFactor ? "on" : "off"),
        ("passkeys", o.Passkeys.ToString(CultureInfo.InvariantCulture)),
        ("signed in", o.Sessions == 0 ? "nowhere" : $"in {o.Sessions} browser{(o.Sessions == 1 ? "" : "s")}"),
        ("last sign-in", o.LastSignInAt ?? "never")));

    static int Print(ParseResult parsed, InvitationView invitation)
    {
        // The server may run elsewhere than the settings say that this command sees.
        if (CommandLine.SettingsOf(parsed).PublicUrl is null)
        {
            Console.Error.WriteLine($"Note: the link begins with {Home(parsed)}, where \"latchkey serve\" listens by these settings. If yours is reached elsewhere, put that in its place, or set PublicUrl.");
        }

        return Output.Done(parsed, invitation, i => Output.Facts(
            ("for", $"{i.Email}, {i.Role}"),
            ("link", i.Url),
            ("good until", $"{i.ExpiresAt}, once")));
    }
}
