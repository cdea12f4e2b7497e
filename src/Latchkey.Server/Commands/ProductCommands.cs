using System.CommandLine;
using System.Globalization;
using Latchkey.Server.Products;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey product …</c></summary>
static class ProductCommands
{
    static readonly Argument<long> Id = new("ID") { Description = "The product" };
    static readonly Option<string?> Name = new("--name") { Description = "As customers see it", HelpName = "NAME" };
    static readonly Option<string?> Prefix = new("--prefix") { Description = "License keys begin with PREFIX_", HelpName = "PREFIX" };
    static readonly Option<long?> WantedId = new("--id") { Description = "The id, where installers have it built in", HelpName = "N" };
    static readonly Option<int?> KeyLength = new("--key-length") { Description = "Random characters of a key, 16 (usual) to 64", HelpName = "N" };
    static readonly Option<bool> ApiDownload = new("--api-download") { Description = "Licenses may download through the API (usual)" };
    static readonly Option<bool> NoApiDownload = new("--no-api-download") { Description = "Licenses may not download through the API" };
    static readonly Option<bool> Bind = new("--bind-on-first-use") { Description = "A license without a domain takes the first that asks (usual)" };
    static readonly Option<bool> NoBind = new("--no-bind-on-first-use") { Description = "Domains are bound by you alone" };

    public static Command Make() => new("product", "What you sell, and its download.")
    {
        Add(), List(), Show(), Edit(), PublishCommand.Make(),
        One("archive", "Issue nothing new for it; what was issued keeps working.", (products, id) => products.Archive(id)),
        One("unarchive", "Sell it again.", (products, id) => products.Unarchive(id)),
    };

    static Command Add()
    {
        var name = new Option<string>("--name") { Description = Name.Description, HelpName = "NAME", Required = true };
        var prefix = new Option<string>("--prefix") { Description = Prefix.Description, HelpName = "PREFIX", Required = true };
        var command = new Command("add", "Add a product.") { name, prefix, WantedId, KeyLength, ApiDownload, NoApiDownload, Bind, NoBind };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(WantedId) is < 1 or > 9_007_199_254_740_991) throw new UsageException("--id must be a positive integer (up to 9007199254740991, which JSON clients read exactly).");
            var fields = Fields(parsed, parsed.GetValue(name), parsed.GetValue(prefix));
            return Run(parsed, create: true, products => Print(parsed, products.Add(parsed.GetValue(WantedId), fields)));
        });
        return command;
    }

    static Command List()
    {
        var command = new Command("list", "List the products.");
        command.SetAction(parsed => Run(parsed, create: false, products => Output.DoneList(
            parsed, products.List(), Cells, ["ID", "NAME", "PREFIX", "LICENSES", "FILE"],
            "No products yet: latchkey product add --name NAME --prefix PREFIX")));
        return command;
    }

    static string[] Cells(ProductView p) =>
        [p.Id.ToString(CultureInfo.InvariantCulture), p.Name, p.Prefix, p.Licenses.ToString(CultureInfo.InvariantCulture), p.File?.FileName ?? "none published"];

    static Command Show() => One("show", "Show a product.", (products, id) => products.Show(id));

    static Command One(string verb, string what, Func<ProductOperations, long, ProductView> action)
    {
        var command = new Command(verb, what) { Id };
        command.SetAction(parsed => Run(parsed, create: false, products => Print(parsed, action(products, parsed.GetValue(Id)))));
        return command;
    }

    static Command Edit()
    {
        var command = new Command("edit", "Change a product; what is not named stays.") { Id, Name, Prefix, KeyLength, ApiDownload, NoApiDownload, Bind, NoBind };
        command.SetAction(parsed => Run(parsed, create: false, products =>
        {
            var fields = Fields(parsed, parsed.GetValue(Name), parsed.GetValue(Prefix));
            if (fields == new ProductFields(null, null, null, null, null)) throw new UsageException("Name what to change; \"latchkey product edit --help\" shows what can be.");
            return Print(parsed, products.Edit(parsed.GetValue(Id), fields));
        }));
        return command;
    }

    static ProductFields Fields(ParseResult parsed, string? name, string? prefix) => new(
        name, prefix, parsed.GetValue(KeyLength), YesOrNo(parsed, ApiDownload, NoApiDownload), YesOrNo(parsed, Bind, NoBind));

    static bool? YesOrNo(ParseResult parsed, Option<bool> yes, Option<bool> no) => (parsed.GetValue(yes), parsed.GetValue(no)) switch
    {
        (true, true) => throw new UsageException($"{yes.Name} and {no.Name} exclude each other."),
        (true, false) => true,
        (false, true) => false,
        _ => null,
    };

    static int Run(ParseResult parsed, bool create, Func<ProductOperations, int> action)
    {
        using var work = CommandLine.Work(parsed, create);
        return action(new ProductOperations(work));
    }

    public static int Print(ParseResult parsed, ProductView product) => Output.Done(parsed, product, p => Output.Facts(
        ("product", $"{p.Id}  {p.Name}"),
        ("state", p.IsArchived ? "archived" : null),
        ("keys", $"{p.Prefix}_ and {p.KeyLength} characters"),
        ("API download", p.ApiDownload ? "yes" : "no"),
        ("first use", p.BindOnFirstUse ? "binds a free domain" : "binds nothing"),
        ("licenses", p.Licenses.ToString(CultureInfo.InvariantCulture)),
        ("file", p.File is { } f ? $"{f.FileName} {f.Version}, {f.FileSize:N0} bytes, published {f.PublishedAt}" : $"none yet: latchkey product publish --product {p.Id} --file PATH"),
        ("sha-256", p.File?.Sha256)));
}
