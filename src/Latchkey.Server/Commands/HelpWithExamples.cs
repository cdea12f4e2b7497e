using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Latchkey.Server.Configuration;

namespace Latchkey.Server.Commands;

/// <summary>The usual help, and below it lines to copy.</summary>
sealed class HelpWithExamples(HelpAction usual) : SynchronousCommandLineAction
{
    static readonly Dictionary<string, string[]> Examples = new(StringComparer.Ordinal)
    {
        ["serve"] = ["latchkey serve --demo", "latchkey serve --data /var/lib/latchkey --urls http://127.0.0.1:8080", "latchkey serve --PublicUrl https://licenses.example.com"],
        ["product"] = ["latchkey product add --name \"My Plugin\" --prefix MYPLUGIN", "latchkey product list"],
        ["product add"] = ["latchkey product add --name \"My Plugin\" --prefix MYPLUGIN", "latchkey product add --name \"My Plugin\" --prefix MYPLUGIN --id 7 --no-bind-on-first-use"],
        ["product list"] = ["latchkey product list", "latchkey product list --json"],
        ["product show"] = ["latchkey product show 1"],
        ["product edit"] = ["latchkey product edit 1 --name \"My Plugin Pro\"", "latchkey product edit 1 --no-api-download"],
        ["product archive"] = ["latchkey product archive 1"],
        ["product unarchive"] = ["latchkey product unarchive 1"],
        ["product publish"] = ["latchkey product publish --product 1 --file ./my-plugin-1.2.0.zip --version 1.2.0"],
        ["release"] = ["latchkey release add --product 1 --version 1.3.0 --notes-file CHANGES.md --file ./my-plugin-1.3.0.zip", "latchkey release publish 4"],
        ["release add"] = ["latchkey release add --product 1 --version 1.3.0 --file ./my-plugin-1.3.0.zip", "latchkey release add --product 1 --version 2.0.0-beta.1 --rollout 10 --minimum-version 1.2.0"],
        ["release add-file"] = ["latchkey release add-file 4 --file ./app-win.zip --platform windows --arch x64", "latchkey release add-file 4 --file ./app-win.zip.sig --kind signature"],
        ["release remove-file"] = ["latchkey release remove-file 9"],
        ["release list"] = ["latchkey release list --product 1", "latchkey release list --state draft --json"],
        ["release show"] = ["latchkey release show 4"],
        ["release edit"] = ["latchkey release edit 4 --rollout 50", "latchkey release edit 4 --notes-file CHANGES.md"],
        ["release publish"] = ["latchkey release publish 4", "latchkey release publish 4 --at 2027-01-31T12:00:00Z"],
        ["release yank"] = ["latchkey release yank 4"],
        ["release unyank"] = ["latchkey release unyank 4"],
        ["release delete"] = ["latchkey release delete 4"],
        ["license"] = ["latchkey license issue --product 1 --domain example.com", "latchkey license show 1"],
        ["license issue"] = ["latchkey license issue --product 1 --domain example.com --user 123", "latchkey license issue --product 1 --max-domains 3 --expires 2027-12-31", "latchkey license issue --product 1 --domain '*.example.com' --key OLD-SHOP-KEY-0001"],
        ["license list"] = ["latchkey license list --product 1", "latchkey license list --find 9IONLT6", "latchkey license list --state suspended", "latchkey license list --user 123", "latchkey license list --domain example.com --json"],
        ["license show"] = ["latchkey license show 1", "latchkey license show MYPLUGIN_YK5YCNP0S9IONLT6"],
        ["license edit"] = ["latchkey license edit 1 --max-domains 5", "latchkey license edit 1 --expires 2028-12-31", "latchkey license edit 1 --never-expires"],
        ["license suspend"] = ["latchkey license suspend 1"],
        ["license resume"] = ["latchkey license resume 1"],
        ["license revoke"] = ["latchkey license revoke 1"],
        ["license rotate"] = ["latchkey license rotate 1", "latchkey license rotate 1 --overlap-hours 72"],
        ["license bind"] = ["latchkey license bind 1 --domain shop.example.com"],
        ["license unbind"] = ["latchkey license unbind 1 --domain shop.example.com"],
        ["license import"] = ["latchkey license import --file licenses.csv"],
        ["customer"] = ["latchkey customer list --find jones", "latchkey customer show 123"],
        ["customer add"] = ["latchkey customer add --name \"Jane Jones\" --email jane@example.com"],
        ["customer list"] = ["latchkey customer list", "latchkey customer list --find jones"],
        ["customer show"] = ["latchkey customer show 123"],
        ["customer edit"] = ["latchkey customer edit 123 --name \"Jane Jones\" --reference SHOP-4711"],
        ["api-key"] = ["latchkey api-key add --name billing --scope licenses:write", "latchkey api-key list"],
        ["api-key add"] = ["latchkey api-key add --name billing --scope licenses:read --scope licenses:write", "latchkey api-key add --name backup --scope audit:read --network 10.0.0.0/8 --expires 2027-12-31"],
        ["api-key list"] = ["latchkey api-key list"],
        ["api-key revoke"] = ["latchkey api-key revoke 1"],
        ["operator"] = ["latchkey operator add --email ann@example.com --role owner", "latchkey operator list"],
        ["operator add"] = ["latchkey operator add --email ann@example.com --role support"],
        ["operator list"] = ["latchkey operator list", "latchkey operator list --json"],
        ["operator reset"] = ["latchkey operator reset --email ann@example.com", "latchkey operator reset --email ann@example.com --second-factor-off"],
        ["operator edit"] = ["latchkey operator edit --email ann@example.com --role manager"],
        ["operator disable"] = ["latchkey operator disable --email ann@example.com"],
        ["operator enable"] = ["latchkey operator enable --email ann@example.com"],
        ["blobs"] = ["latchkey blobs copy --to s3://my-bucket/latchkey", "latchkey blobs copy --to /srv/latchkey-files"],
        ["blobs copy"] = ["latchkey blobs copy --to s3://my-bucket/latchkey", "latchkey blobs copy --from s3://my-bucket/latchkey --to /srv/latchkey-files"],
        ["backup"] = ["latchkey backup --to /mnt/backup/latchkey", "latchkey backup --to s3://my-bucket/latchkey-backups --keep 30", "latchkey backup --to ./latchkey-2026-11-27.tar"],
        ["backup list"] = ["latchkey backup list --from /mnt/backup/latchkey"],
        ["backup verify"] = ["latchkey backup verify --from /mnt/backup/latchkey", "latchkey backup verify --from /mnt/backup/latchkey --at 2026-11-27T03"],
        ["backup restored"] = ["latchkey backup restored --data /var/lib/latchkey"],
        ["restore"] = ["latchkey restore --from /mnt/backup/latchkey --data /var/lib/latchkey", "latchkey restore --from /mnt/backup/latchkey --at 2026-11-27T03 --old /var/lib/latchkey.old"],
        ["doctor"] = ["latchkey doctor", "latchkey doctor --data /var/lib/latchkey --json"],
        [""] = ["latchkey serve --demo", "latchkey product add --name \"My Plugin\" --prefix MYPLUGIN", "latchkey license issue --product 1 --domain example.com"],
    };

    public override int Invoke(ParseResult parseResult)
    {
        var status = usual.Invoke(parseResult);
        var command = parseResult.CommandResult.Command;
        if (!Examples.TryGetValue(Verb(command), out var lines)) return status;
        var output = parseResult.InvocationConfiguration.Output;
        if (command.Name == "serve") output.WriteLine($"Settings, as --Name value; docs/operations.md says what each does:\n  {string.Join("\n  ", Settings.Names())}\n");
        output.WriteLine("Examples:");
        foreach (var line in lines) output.WriteLine("  " + line);
        output.WriteLine();
        return status;
    }

    static string Verb(Command command)
    {
        var parent = command.Parents.OfType<Command>().FirstOrDefault();
        return command is RootCommand ? "" : parent is RootCommand ? command.Name : $"{parent!.Name} {command.Name}";
    }
}
