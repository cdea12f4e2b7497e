using System.CommandLine;
using System.CommandLine.Help;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;

namespace Latchkey.Server.Commands;

/// <summary>The verbs, and what all of them share: --data, --json, exit codes (0 done, 1 not done, 2 wrong usage).</summary>
static class CommandLine
{
    public static readonly Option<string?> Data = new("--data")
    {
        Description = "The data directory (or LATCHKEY_DATA; ./data if neither is given)",
        HelpName = "DIR",
        Recursive = true,
    };

    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Answer with exactly one JSON document",
        Recursive = true,
    };

    public static async Task<int> Run(string[] args)
    {
        var parsed = Root().Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpWithExamples)
        {
            if (NoSuchCommand(parsed) is { } unknown) return Output.Fail(parsed, 2, unknown);
            var errors = parsed.Errors.Select(error => PlainWords(error.Message)).Distinct();
            return Output.Fail(parsed, 2, string.Join(Environment.NewLine, errors) + Environment.NewLine + $"\"{Path(parsed.CommandResult.Command)} --help\" shows the usage.");
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (UsageException wrong)
        {
            return Output.Fail(parsed, 2, wrong.Message);
        }
        catch (Exception failure) when (Sentence(failure) is { } sentence)
        {
            return Output.Fail(parsed, 1, sentence);
        }
        catch (Exception failure)
        {
            return Output.Fail(parsed, 1, $"This should not have happened; please report it, with the lines below.{Environment.NewLine}{failure}");
        }
    }

    static RootCommand Root()
    {
        var root = new RootCommand("Latchkey: a license server for people who sell software.") { Data, Json };
        root.Add(ServeCommand.Make());
        root.Add(ProductCommands.Make());
        root.Add(ReleaseCommands.Make());
        root.Add(LicenseCommands.Make());
        root.Add(CustomerCommands.Make());
        root.Add(ApiKeyCommands.Make());
        root.Add(OperatorCommands.Make());
        root.Add(BlobCommands.Make());
        root.Add(MigrateCommand.Make());
        root.Add(BackupCommands.Make());
        root.Add(RestoreCommand.Make());
        root.Add(DoctorCommand.Make());
        foreach (var option in root.Options.OfType<HelpOption>()) option.Action = new HelpWithExamples((HelpAction)option.Action!);
        return root;
    }

    static string? NoSuchCommand(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var word = parsed.UnmatchedTokens.FirstOrDefault(token => !token.StartsWith('-'));
        if (command.Subcommands.Count == 0 || (word is null && command.Action is not null)) return null;
        var fault = word is null ? "A command is missing" : $"There is no command \"{Path(command)} {word}\"";
        return $"{fault}: choose from {string.Join(", ", command.Subcommands.Select(c => c.Name))}. \"{Path(command)} --help\" shows the usage.";
    }

    /// <summary>"… as expected type 'System.Int64'" is no operator's language.</summary>
    static string PlainWords(string error)
    {
        var type = error.IndexOf(" as expected type ", StringComparison.Ordinal);
        return type < 0 ? error : $"{error[..type]}: a whole number is needed.";
    }

    static string Path(Command command) => command.Parents.OfType<Command>().FirstOrDefault() is { } parent
        ? $"{Path(parent)} {command.Name}"
        : "latchkey";

    /// <summary>What an operator can do something about, in a sentence; null for a fault of ours.</summary>
    static string? Sentence(Exception failure) => failure switch
    {
        OperationException { Hint: { } hint } => $"{failure.Message} {hint}",
        OperationException or DataDirectoryException or SettingsException or ImportException => failure.Message,
        IOException or UnauthorizedAccessException => failure.Message.TrimEnd('.') + ".",
        System.Data.Common.DbException => Capital(StoreUnavailableException.From(failure)?.Message) ?? $"The database refused: {failure.Message}",
        Microsoft.EntityFrameworkCore.DbUpdateException { InnerException: { } cause } => Sentence(cause),
        StoreUnavailableException => Capital(failure.Message),
        System.Security.Cryptography.CryptographicException => "The stored copy of the key cannot be decrypted: is secrets/encryption.key the one this database was made with?",
        _ => null,
    };

    static string? Capital(string? text) => text is null ? null : $"{char.ToUpperInvariant(text[0])}{text[1..]}.";

    /// <summary>The settings and the data directory that a command works on.</summary>
    public static DataDirectory OpenData(ParseResult parsed, bool create)
    {
        var settings = SettingsOf(parsed);
        return DataDirectory.Open(settings, create, TimeProvider.System, forCommand: true);
    }

    /// <summary>On the data directory of the command; what is done is done by whoever runs it.</summary>
    public static UnitOfWork Work(ParseResult parsed, bool create = false) => UnitOfWork.Open(OpenData(parsed, create), TimeProvider.System, Actor.CommandLine());

    static string? GivenData(ParseResult parsed)
    {
        var data = parsed.GetValue(Data);
        return data is null || data.Trim().Length > 0 ? data : throw new UsageException("--data is empty: name a directory.");
    }

    public static Settings SettingsOf(ParseResult parsed, IEnumerable<KeyValuePair<string, string?>>? more = null) =>
        Settings.Read(Settings.Sources([.. more ?? [], .. Given("Data", GivenData(parsed))]), out _);

    public static IEnumerable<KeyValuePair<string, string?>> Given(string name, string? value) =>
        value is null ? [] : [new(name, value)];
}

/// <summary>The words are understood, but do not go together; exit code 2.</summary>
sealed class UsageException(string message) : Exception(message);
