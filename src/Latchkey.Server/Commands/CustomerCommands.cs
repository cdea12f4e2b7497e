using System.CommandLine;
using System.Globalization;
using Latchkey.Server.Customers;
using Latchkey.Server.Data;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey customer …</c></summary>
static class CustomerCommands
{
    static readonly Argument<long> Id = new("N") { Description = "Your own customer number" };
    static readonly Option<string?> Name = new("--name") { Description = "A person or a company", HelpName = "NAME" };
    static readonly Option<string?> Email = new("--email") { Description = "An e-mail address", HelpName = "E" };
    static readonly Option<string?> Reference = new("--reference") { Description = "What your other systems call this customer", HelpName = "TEXT" };
    static readonly Option<string?> Notes = new("--notes") { Description = "For your own eyes", HelpName = "TEXT" };

    public static Command Make() => new("customer", "Who has licenses.") { Add(), List(), Show(), Edit() };

    static Command Add()
    {
        var id = new Option<long?>("--id") { Description = "Your own customer number (usual: the next free one)", HelpName = "N" };
        var command = new Command("add", "Add a customer.") { id, Name, Email, Reference, Notes };
        command.SetAction(parsed => Run(parsed, customers => Print(parsed, customers.Add(parsed.GetValue(id), Fields(parsed)))));
        return command;
    }

    static Command List()
    {
        var find = new Option<string?>("--find") { Description = "A number, or a part of a name, an e-mail address or a reference", HelpName = "TEXT" };
        var command = new Command("list", "List customers.") { find };
        command.SetAction(parsed => Run(parsed, customers => Output.DoneList(
            parsed, All(customers, parsed.GetValue(find)), Cells, ["N", "NAME", "E-MAIL", "REFERENCE", "LICENSES"],
            "No such customer. One comes into being with the first license: latchkey license issue --product ID --user N")));
        return command;
    }

    static IEnumerable<CustomerView> All(CustomerOperations customers, string? find)
    {
        for (var page = new PageRequest(null, PageRequest.MaxLimit, "id"); ;)
        {
            var part = customers.List(find, page);
            foreach (var customer in part.Items) yield return customer;
            if (part.NextCursor is null) yield break;
            page = page with { Cursor = part.NextCursor };
        }
    }

    static string[] Cells(CustomerView c) =>
        [c.Id.ToString(CultureInfo.InvariantCulture), c.Name ?? "-", c.Email ?? "-", c.Reference ?? "-", c.Licenses.ToString(CultureInfo.InvariantCulture)];

    static Command Show()
    {
        var command = new Command("show", "Show a customer.") { Id };
        command.SetAction(parsed => Run(parsed, customers => Print(parsed, customers.Show(parsed.GetValue(Id)))));
        return command;
    }

    static Command Edit()
    {
        var command = new Command("edit", "Change a customer; what is not named stays, an empty text takes away.") { Id, Name, Email, Reference, Notes };
        command.SetAction(parsed => Run(parsed, customers =>
        {
            var fields = Fields(parsed);
            if (fields == new CustomerFields()) throw new UsageException("Name what to change; \"latchkey customer edit --help\" shows what can be.");
            return Print(parsed, customers.Edit(parsed.GetValue(Id), fields));
        }));
        return command;
    }

    static CustomerFields Fields(ParseResult parsed) => new(parsed.GetValue(Name), parsed.GetValue(Email), parsed.GetValue(Reference), parsed.GetValue(Notes));

    static int Run(ParseResult parsed, Func<CustomerOperations, int> action)
    {
        using var work = CommandLine.Work(parsed);
        return action(new CustomerOperations(work));
    }

    static int Print(ParseResult parsed, CustomerView customer) => Output.Done(parsed, customer, c => Output.Facts(
        ("customer", c.Id.ToString(CultureInfo.InvariantCulture)),
        ("name", c.Name),
        ("e-mail", c.Email),
        ("reference", c.Reference),
        ("notes", c.Notes),
        ("licenses", c.Licenses.ToString(CultureInfo.InvariantCulture)),
        ("created", c.CreatedAt)));
}
