namespace Latchkey.Bench;

/// <summary>What one row found; <paramref name="Figures"/> are the ratios of the pairs, or the readings where there is no limit.</summary>
sealed record Measured(string Ours, string Limit, double Figure, IReadOnlyList<double> Figures);

/// <summary>One line of the table. Without a unit the figure is a ratio and more is better, unless it says otherwise; with one, less is.</summary>
sealed record Row(
    string Name, string What, string Against, double First, double Aim, string Unit, Func<Stage, CancellationToken, Task<Measured>> Measure)
{
    /// <summary>Takes so long that it must be asked for by its name.</summary>
    public bool OnlyIfNamed { get; init; }

    /// <summary>With SQLite; else with PostgreSQL, and only if <c>--database postgresql</c> says so.</summary>
    public bool IsEmbedded { get; init; } = true;

    /// <summary>A ratio of what is to be small.</summary>
    public bool IsLessBetter { get; init; }

    public bool IsWanted(string[] only) =>
        only.Length == 0 ? !OnlyIfNamed : only.Any(name => Name == name || (!OnlyIfNamed && Name.StartsWith(name + "-", StringComparison.Ordinal)));

    public string Standing(double figure) => Reaches(figure, Aim) ? "aim" : Reaches(figure, First) ? "first" : "**missed**";

    bool Reaches(double figure, double goal) => Unit.Length == 0 && !IsLessBetter ? figure >= goal : figure <= goal;
}
