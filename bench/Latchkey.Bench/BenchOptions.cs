using System.Globalization;

namespace Latchkey.Bench;

sealed record BenchOptions(string Root, string Commit, int Licenses, int Seconds, int Pairs, string[] Only, bool IsEmbedded)
{
    /// <exception cref="BenchException">An option is unknown or wrong.</exception>
    public static BenchOptions Parse(string[] args)
    {
        var options = new BenchOptions("", "", 1_000_000, 5, 5, [], IsEmbedded: true);
        if (args.Length % 2 != 0) throw new BenchException($"{args[^1]}: an option and its value are needed; bench/run --help shows them");
        for (var i = 0; i < args.Length; i += 2) options = options.With(args[i], args[i + 1]);
        return options;
    }

    BenchOptions With(string name, string value) => name switch
    {
        "--root" => this with { Root = value },
        "--commit" => this with { Commit = value },
        "--licenses" => this with { Licenses = Number(name, value) },
        "--seconds" => this with { Seconds = Number(name, value) },
        "--pairs" => this with { Pairs = Number(name, value) },
        "--only" => this with { Only = value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) },
        "--database" => this with { IsEmbedded = value switch { "sqlite" => true, "postgresql" => false, _ => throw new BenchException($"--database is sqlite or postgresql, not \"{value}\"") } },
        _ => throw new BenchException($"there is no option {name}; bench/run --help shows them"),
    };

    static int Number(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new BenchException($"{name} must be a whole number from 1, not \"{value}\"");
}
