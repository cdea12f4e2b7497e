using System.Globalization;

namespace Latchkey.Faults;

/// <param name="Root">Of the checkout.</param>
/// <param name="Commit">What is run, for the report.</param>
/// <param name="Minutes">0 is the short form: each fault once, and briefly.</param>
/// <param name="Only">Faults whose names hold one of these words; none is all.</param>
/// <param name="Markdown">A file for the result, as docs/reliability.md shows it.</param>
sealed record Options(string Root, string Commit, int Minutes, string[] Only, string? Markdown)
{
    public bool IsShort => Minutes == 0;

    /// <exception cref="FaultsException">An option is unknown or wrong.</exception>
    public static Options Parse(string[] args)
    {
        var options = new Options("", "", 0, [], null);
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--long") options = options with { Minutes = 30 };
            else if (i + 1 < args.Length) options = options.With(args[i], args[++i]);
            else throw new FaultsException($"{args[i]}: there is no such option, or its value is missing; tests/faults --help shows them");
        }

        return options;
    }

    Options With(string name, string value) => name switch
    {
        "--root" => this with { Root = value },
        "--commit" => this with { Commit = value },
        "--minutes" => this with { Minutes = Number(name, value) },
        "--only" => this with { Only = value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) },
        "--markdown" => this with { Markdown = value },
        _ => throw new FaultsException($"there is no option {name}; tests/faults --help shows them"),
    };

    static int Number(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new FaultsException($"{name} must be a whole number from 1, not \"{value}\"");
}

/// <summary>The run itself cannot go on.</summary>
sealed class FaultsException(string message) : Exception(message);
