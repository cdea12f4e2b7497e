using System.CommandLine;
using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;

namespace Latchkey.Server.Commands;

/// <summary><c>latchkey api-key …</c></summary>
static class ApiKeyCommands
{
    public static Command Make() => new("api-key", "Let programs use the admin API.") { Add(), List(), Revoke() };

    static Command Add()
    {
        var name = new Option<string>("--name") { Description = "What uses it, for your own eyes", HelpName = "NAME", Required = true };
        var scopes = new Option<string[]>("--scope") { Description = $"What it may do; can be given several times: {string.Join(", ", Permission.All)}", HelpName = "SCOPE", Required = true };
        var networks = new Option<string[]>("--network") { Description = "The only address or network it may be used from; can be given several times", HelpName = "CIDR" };
        var expires = new Option<string?>("--expires") { Description = "Good through this date (its end, UTC), or until this time", HelpName = "DATE|TIME" };
        var command = new Command("add", "Make an API key. It is shown this once.") { name, scopes, networks, expires };
        command.SetAction(parsed => Run(parsed, keys => Print(parsed, keys.Add(new NewApiKey(
            parsed.GetValue(name)!, parsed.GetValue(scopes)!, parsed.GetValue(networks), Expiry(parsed.GetValue(expires)))))));
        return command;
    }

    static DateTimeOffset? Expiry(string? text) =>
        text is null ? null : Moment.Parse(text, endOfDay: true) ?? throw new UsageException($"--expires \"{text}\" is not {Moment.Rule}.");

    static Command List()
    {
        var command = new Command("list", "List the API keys, without the keys themselves.");
        command.SetAction(parsed => Run(parsed, keys => Output.DoneList(
            parsed, All(keys), Cells, ["ID", "NAME", "KEY", "STATE", "LAST USED", "SCOPES"],
            "No API key yet: latchkey api-key add --name NAME --scope SCOPE")));
        return command;
    }

    static IEnumerable<ApiKeyView> All(ApiKeyOperations keys)
    {
        for (var page = new PageRequest(null, PageRequest.MaxLimit); ;)
        {
            var part = keys.List(page);
            foreach (var key in part.Items) yield return key;
            if (part.NextCursor is null) yield break;
            page = page with { Cursor = part.NextCursor };
        }
    }

    static string[] Cells(ApiKeyView k) =>
    [
        k.Id.ToString(CultureInfo.InvariantCulture), k.Name, $"{ApiKeyOperations.Prefix}…{k.KeySuffix}", k.State,
        k.LastUsedAt is { } at ? $"{at} from {k.LastUsedFrom}" : "never", string.Join(' ', k.Scopes),
    ];

    static Command Revoke()
    {
        var id = new Argument<long>("ID") { Description = "The API key" };
        var command = new Command("revoke", "Make an API key worthless, from the next request on.") { id };
        command.SetAction(parsed => Run(parsed, keys => Print(parsed, keys.Revoke(parsed.GetValue(id)))));
        return command;
    }

    static int Run(ParseResult parsed, Func<ApiKeyOperations, int> action)
    {
        using var work = CommandLine.Work(parsed);
        return action(new ApiKeyOperations(work));
    }

    static int Print(ParseResult parsed, ApiKeyView key) => Output.Done(parsed, key, k => Output.Facts(
        ("API key", $"{k.Id.ToString(CultureInfo.InvariantCulture)}  {k.Name}"),
        ("key", k.Key is null ? $"{ApiKeyOperations.Prefix}…{k.KeySuffix}" : $"{k.Key}   (keep it: it is not shown again)"),
        ("state", k.State),
        ("scopes", string.Join(' ', k.Scopes)),
        ("networks", k.Networks.Count == 0 ? "any" : string.Join(' ', k.Networks)),
        ("expires", k.ExpiresAt ?? "never"),
        ("last used", k.LastUsedAt is { } at ? $"{at} from {k.LastUsedFrom}" : "never")));
}
