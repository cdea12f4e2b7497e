using System.Globalization;
using System.Text;

namespace Latchkey.Bench;

/// <summary>The table. Rows that this run left out are kept from the last run on the same machine.</summary>
sealed class Report
{
    const string Head = """
        | row | what | limit held against | ours | limit | ratio | to reach first | aim | stands | min–max | measured at |
        |---|---|---|---|---|---|---|---|---|---|---|

        """;

    readonly BenchOptions _options;
    readonly string _date = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);
    readonly string _load = Machine.Load();
    readonly Dictionary<string, string> _lines = [];

    public Report(BenchOptions options)
    {
        _options = options;
        if (File.Exists(Path) && File.ReadAllText(Path) is var last && last.Contains(Machine.Line(), StringComparison.Ordinal)) Keep(last);
    }

    string Path => System.IO.Path.Combine(_options.Root, "bench", "RESULTS.md");

    public bool HasFailures { get; private set; }

    public void Add(Row row, Measured measured)
    {
        var spread = $"{Figure(row, measured.Figures.Min())} – {Figure(row, measured.Figures.Max())}";
        var figure = Figure(row, measured.Figure);
        _lines[row.Name] = Line(row, measured.Ours, measured.Limit, row.Unit.Length == 0 ? figure : "–", row.Standing(measured.Figure), spread);
    }

    public void AddFailure(Row row, string why)
    {
        HasFailures = true;
        _lines[row.Name] = Line(row, "–", "–", "–", "**FAILED**: " + why.Replace('\n', ' ').Replace('|', '/'), "–");
    }

    string Line(Row row, string ours, string limit, string ratio, string stands, string spread) =>
        $"| {row.Name} | {row.What} | {row.Against} | {ours} | {limit} | {ratio} | {Figure(row, row.First)} | {Figure(row, row.Aim)} | {stands} | {spread} | {_options.Commit}, {_date} |";

    public static string Figure(Row row, double value) => row.Unit switch
    {
        "MB" => string.Create(CultureInfo.InvariantCulture, $"{value:0} MB"),
        "s" => string.Create(CultureInfo.InvariantCulture, $"{value:0.00} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value:0.00}"),
    };

    public string Table()
    {
        var table = new StringBuilder(Head);
        foreach (var row in Rows.All(_options))
        {
            if (_lines.TryGetValue(row.Name, out var line)) table.Append(line).Append('\n');
        }

        return table.ToString();
    }

    public void Save() => File.WriteAllText(Path, $"""
        # Speed: the last run of `bench/run`

        Every ratio is the median of pairs driven in turn (ours, limit, ours, limit …) by one client on one machine;
        absolute figures wander with the machine, ratios are what counts. A row says when and at which commit it was measured
        (`+`: with changes not committed yet). Server settings: the usual, but for rate limits set too high to be met; logs on.
        Of the timing rows the figure is Welch's |t| over 20,000 answers of each kind, in an order drawn at random, over one connection, those
        above the 90th percentile left out; min–max are that and the same of all.

        - date: {_date}
        - machine: {Machine.Line()}; load average before: {_load}
        - commit: {_options.Commit}
        - load: {_options.Seconds} s a measurement, {_options.Pairs} pairs; HTTP by `wrk -t2 -c64`, downloads by blocking sockets, the same for both sides

        {Table()}
        """);

    void Keep(string last)
    {
        foreach (var line in last.Split('\n'))
        {
            var cells = line.Split('|');
            if (cells.Length > 3 && Rows.All(_options).Any(row => row.Name == cells[1].Trim())) _lines[cells[1].Trim()] = line;
        }
    }
}
