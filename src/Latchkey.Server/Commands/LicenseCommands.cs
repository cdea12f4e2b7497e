using System.CommandLine;
using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey license …</c></summary>
static class LicenseCommands
{
    static readonly Argument<string> IdOrKey = new("ID|KEY") { Description = "The license, by its id or its key" };
    static readonly Option<int?> MaxDomains = new("--max-domains") { Description = "How many domains it may hold (usual: 1, or as many as are named)", HelpName = "N" };
    static readonly Option<long?> User = new("--user") { Description = "Your own customer number", HelpName = "N" };
    static readonly Option<string?> Expires = new("--expires") { Description = "Good through this date (its end, UTC), or until this time", HelpName = "DATE|TIME" };
    static readonly Option<string?> UpdatesUntil = new("--updates-until") { Description = "It may have what was published through this date, and keeps verifying (usual: everything)", HelpName = "DATE|TIME" };
    static readonly Option<string?> Channel = new("--channel") { Description = "The channel it is on: stable (usual), beta, alpha, dev, or one of your own", HelpName = "NAME" };
    static readonly Option<string> Domain = new("--domain") { Description = "A host name, or *.example.com", HelpName = "HOST", Required = true };

    public static Command Make() => new("license", "Who may use it, and where.")
    {
        Issue(), List(), Edit(), ImportCommand.Make(),
        One("show", "Show a license, its key and when it was last seen.", (licenses, id, _) => licenses.Reveal(id)),
        One("suspend", "Refuse it, until it is resumed.", (licenses, id, _) => licenses.Suspend(id)),
        One("resume", "Take a suspension back.", (licenses, id, _) => licenses.Resume(id)),
        Revoke(),
        Rotate(),
        One("bind", "Add a domain.", (licenses, id, parsed) => licenses.Bind(id, parsed.GetValue(Domain)!), Domain),
        One("unbind", "Take a domain away.", (licenses, id, parsed) => licenses.Unbind(id, parsed.GetValue(Domain)!), Domain),
    };

    static Command One(string verb, string what, Func<LicenseOperations, string, ParseResult, LicenseView> action, params Option[] options)
    {
        var command = new Command(verb, what) { IdOrKey };
        foreach (var option in options) command.Add(option);
        command.SetAction(parsed => Run(parsed, licenses => Print(parsed, action(licenses, parsed.GetValue(IdOrKey)!, parsed))));
        return command;
    }

    static Command Rotate()
    {
        var overlap = new Option<double>("--overlap-hours") { Description = "For so long the old key works as well (usual: 0)", HelpName = "HOURS" };
        return One("rotate", "Give it a new key; the old one stops working at once, or after an overlap.", (licenses, id, parsed) =>
            parsed.GetValue(overlap) is >= 0 and < 1e6 and var hours
                ? licenses.Rotate(id, TimeSpan.FromHours(hours))
                : throw new UsageException("--overlap-hours must be a number from 0 on."), overlap);
    }

    static Command Revoke()
    {
        var yes = new Option<bool>("--yes") { Description = "Do not ask" };
        return One("revoke", "Refuse it for good. Asks first on a terminal.", (licenses, id, parsed) =>
        {
            var license = licenses.Show(id);
            if (!parsed.GetValue(yes) && !Console.IsInputRedirected && !Confirmed(license)) throw new OperationException("Nothing was changed.");
            return licenses.Revoke(id);
        }, yes);
    }

    static bool Confirmed(LicenseView license)
    {
        Console.Error.Write($"Revoke license {license.Id} ({license.ProductName}, {Domains(license)}) for good? Type its id to go on: ");
        return Console.ReadLine()?.Trim() == license.Id.ToString(CultureInfo.InvariantCulture);
    }

    static Command Issue()
    {
        var product = new Option<long>("--product") { Description = "For which product", HelpName = "ID", Required = true };
        var domains = new Option<string[]>("--domain") { Description = "Bind it to this domain; can be given several times", HelpName = "HOST" };
        var key = new Option<string?>("--key") { Description = "Bring a key of your own (8 to 256 of A-Z a-z 0-9 _ -)", HelpName = "KEY" };
        var command = new Command("issue", "Issue a license.") { product, domains, MaxDomains, User, Expires, UpdatesUntil, Channel, key };
        command.SetAction(parsed => Run(parsed, licenses => Print(parsed, licenses.Issue(new IssueLicense(
            parsed.GetValue(product), parsed.GetValue(domains) ?? [], parsed.GetValue(MaxDomains), parsed.GetValue(User),
            ExpiryOf(parsed), parsed.GetValue(key), UpdatesOf(parsed), parsed.GetValue(Channel))))));
        return command;
    }

    static Command Edit()
    {
        var never = new Option<bool>("--never-expires") { Description = "Take the expiry away" };
        var forever = new Option<bool>("--updates-forever") { Description = "It may have every release" };
        var places = new Option<int?>("--max-domains") { Description = "How many domains it may hold", HelpName = "N" };
        var command = new Command("edit", "Change a license; what is not named stays.") { IdOrKey, places, User, Expires, never, UpdatesUntil, forever, Channel };
        command.SetAction(parsed => Run(parsed, licenses =>
        {
            var edit = new EditLicense(parsed.GetValue(places), parsed.GetValue(User), ExpiryOf(parsed), parsed.GetValue(never), false,
                UpdatesOf(parsed), parsed.GetValue(forever), parsed.GetValue(Channel));
            if (edit == new EditLicense()) throw new UsageException("Name what to change; \"latchkey license edit --help\" shows what can be.");
            if (edit is { NeverExpires: true, ExpiresAt: not null }) throw new UsageException("--expires and --never-expires exclude each other.");
            if (edit is { UpdatesForever: true, UpdatesUntil: not null }) throw new UsageException("--updates-until and --updates-forever exclude each other.");
            return Print(parsed, licenses.Edit(parsed.GetValue(IdOrKey)!, edit));
        }));
        return command;
    }

    static DateTimeOffset? ExpiryOf(ParseResult parsed)
    {
        if (parsed.GetValue(Expires) is not { } text) return null;
        var expires = Moment.Parse(text, endOfDay: true) ?? throw new UsageException($"--expires \"{text}\" is not {Moment.Rule}.");
        if (expires <= TimeProvider.System.GetUtcNow()) Console.Error.WriteLine($"Note: {text} is in the past; the license has expired already.");
        return expires;
    }

    static DateTimeOffset? UpdatesOf(ParseResult parsed) => parsed.GetValue(UpdatesUntil) is not { } text
        ? null
        : Moment.Parse(text, endOfDay: true) ?? throw new UsageException($"--updates-until \"{text}\" is not {Moment.Rule}.");

    static Command List()
    {
        var product = new Option<long?>("--product") { Description = "Of this product only", HelpName = "ID" };
        var domain = new Option<string?>("--domain") { Description = "Bound to this domain only", HelpName = "HOST" };
        var user = new Option<long?>("--user") { Description = "Of this customer only", HelpName = "N" };
        var state = new Option<string?>("--state") { Description = "In this state only: active, suspended, revoked, expired", HelpName = "STATE" };
        var find = new Option<string?>("--find") { Description = "Found by a number, a key or its end, a domain or its beginning, a part of a customer's name or e-mail", HelpName = "TEXT" };
        var command = new Command("list", "List licenses, without their keys.") { product, domain, user, state, find };
        command.SetAction(parsed => Work(parsed, work => Output.DoneList(
            parsed, Found(work, new LicenseFilter(parsed.GetValue(find), parsed.GetValue(product), parsed.GetValue(user), parsed.GetValue(domain), parsed.GetValue(state))), Cells,
            ["ID", "PRODUCT", "STATE", "USER", "DOMAINS", "LAST SEEN"],
            "No such license. A new one: latchkey license issue --product ID --domain HOST")));
        return command;
    }

    static IEnumerable<LicenseView> Found(UnitOfWork work, LicenseFilter filter)
    {
        if (filter.ProductId is { } id) new ProductOperations(work).Find(id);
        return new LicenseList(work).All(filter);
    }

    static string[] Cells(LicenseView l) =>
    [
        l.Id.ToString(CultureInfo.InvariantCulture), l.ProductId.ToString(CultureInfo.InvariantCulture), l.State,
        l.UserId?.ToString(CultureInfo.InvariantCulture) ?? "-", Domains(l), l.LastSeen is { } seen ? $"{seen.At} {seen.Outcome}" : "never",
    ];

    static string Domains(LicenseView l) =>
        l.Domains.Count == 0 ? "none yet" : string.Join(", ", l.Domains.Take(3)) + (l.Domains.Count > 3 ? $" and {l.Domains.Count - 3} more" : "");

    static int Run(ParseResult parsed, Func<LicenseOperations, int> action) => Work(parsed, work => action(new LicenseOperations(work)));

    static int Work(ParseResult parsed, Func<UnitOfWork, int> action)
    {
        using var work = CommandLine.Work(parsed);
        return action(work);
    }

    static int Print(ParseResult parsed, LicenseView license) => Output.Done(parsed, license, l => Output.Facts(
        ("license", l.Id.ToString(CultureInfo.InvariantCulture)),
        ("key", l.LicenseKey ?? $"…{l.KeySuffix}"),
        ("product", $"{l.ProductId}  {l.ProductName}"),
        ("state", l.State),
        ("domains", $"{(l.Domains.Count == 0 ? "none yet" : string.Join(", ", l.Domains))} ({l.Domains.Count} of {l.MaxDomains})"),
        ("user", l.UserId is { } user ? $"{user.ToString(CultureInfo.InvariantCulture)}{(l.CustomerName is { } name ? $"  {name}" : "")}" : null),
        ("expires", l.ExpiresAt ?? "never"),
        ("updates", l.UpdatesUntil is { } updates ? $"what was published until {updates}" : null),
        ("channel", l.Channel == Products.Channel.Stable ? null : l.Channel),
        ("created", l.CreatedAt),
        ("rotated", l.LastRotated),
        ("overlap", l.OverlapUntil is { } until ? $"a key it had before works until {until}" : null),
        ("last seen", l.LastSeen is { } s ? $"{s.At} from {s.Address} for {s.Domain}: {s.Outcome}" : "never")));
}
