using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using Latchkey.Server.Data;

namespace Latchkey.Server.Licenses;

/// <summary>Some lines cannot be imported; none was.</summary>
sealed class ImportException(IReadOnlyList<string> faults, int lines) : Exception(
    string.Join(Environment.NewLine, faults) + Environment.NewLine + $"Nothing was imported: {lines} bad line{(lines == 1 ? "" : "s")}.");

/// <summary>One license of an import; its host is canonical, or a pattern.</summary>
sealed record ImportLine(long Product, string Key, byte[] Hash, string? Host, long? User, DateTimeOffset? Expires, DateTimeOffset Created, DateTimeOffset? UpdatesUntil, string? Channel);

/// <summary>Reads a CSV file of licenses, and says what is wrong with each line. Knows no database.</summary>
/// <param name="products">That there are.</param>
/// <param name="hashOf">Of a key.</param>
/// <param name="isTaken">There is a license whose key has this hash.</param>
/// <param name="now">When a license was made that does not say so.</param>
sealed class ImportLines(IReadOnlySet<long> products, Func<string, byte[]> hashOf, Func<byte[], bool> isTaken, DateTimeOffset now)
{
    static readonly string[] Required = ["product_id", "license_key", "domain", "user_id"];
    static readonly string[] Optional = ["expires_at", "created_at", "updates_until", "channel"];

    readonly List<string> _faults = [];
    int _badLines;
    int _quoteFault;
    readonly HashSet<string> _keys = new(StringComparer.Ordinal);

    /// <exception cref="ImportException">Names every bad line.</exception>
    public List<ImportLine> Read(TextReader text, Action<string, int>? progress = null)
    {
        var lines = ReadLines(text, progress);
        return _faults.Count > 0 ? throw new ImportException(_faults, _badLines) : lines;
    }

    List<ImportLine> ReadLines(TextReader text, Action<string, int>? progress)
    {
        using var csv = new CsvReader(text, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            TrimOptions = TrimOptions.Trim,
            BadDataFound = bad => _quoteFault = bad.Context.Parser!.RawRow,
            DetectColumnCountChanges = false,
            IgnoreBlankLines = true,
        });
        RequireHeader(csv);
        var lines = new List<ImportLine>();
        while (csv.Read())
        {
            if (ReadLine(csv) is { } line) lines.Add(line);
            if (csv.Context.Parser!.Row % 1000 == 0) progress?.Invoke("checked", csv.Context.Parser.Row);
        }

        return lines;
    }

    static void RequireHeader(CsvReader csv)
    {
        var found = csv.Read() && csv.ReadHeader() ? csv.HeaderRecord! : [];
        var faults = Required.Except(found).Select(name => $"line 1: the column {name} is missing")
            .Concat(found.GroupBy(name => name).Where(group => group.Count() > 1).Select(group => $"line 1: the column {group.Key} stands there twice"))
            .Concat(found is [var only] && only.Contains(';', StringComparison.Ordinal) ? ["line 1: separate the columns with commas, not semicolons"] : [])
            .Concat(found.Except(Required).Except(Optional).Select(name => $"line 1: there is no column \"{name}\""))
            .ToList();
        if (faults.Count > 0) throw new ImportException([.. faults, $"line 1: the columns are {string.Join(",", Required)}[,{string.Join("][,", Optional)}]"], 1);
    }

    ImportLine? ReadLine(CsvReader csv)
    {
        var before = _faults.Count;
        string Field(string name) => csv.TryGetField<string>(name, out var value) ? value ?? "" : "";
        void Fault(string sentence) => _faults.Add(string.Create(CultureInfo.InvariantCulture, $"line {csv.Context.Parser!.RawRow}: {sentence}"));

        if (_quoteFault > 0) Fault("the quotation marks do not match");
        _quoteFault = 0;
        if (csv.ColumnCount != csv.HeaderRecord!.Length) Fault($"it has {csv.ColumnCount} fields instead of {csv.HeaderRecord.Length}");
        if (!long.TryParse(Field("product_id"), NumberStyles.None, CultureInfo.InvariantCulture, out var product)) Fault("product_id is not a number");
        else if (!products.Contains(product)) Fault($"there is no product {product}");

        var key = Field("license_key");
        var hash = hashOf(key);
        if (!LicenseKey.IsWellFormed(key)) Fault($"license_key must be {LicenseKey.Rule}");
        else if (!_keys.Add(key)) Fault("the same license_key stands further up");
        else if (isTaken(hash)) Fault("there is a license with this key already");

        var host = Field("domain") is { Length: > 0 } domain ? CanonicalHost.OfPattern(domain) : "";
        if (host is null) Fault("domain is not a host name");
        long? user = null;
        if (Field("user_id") is { Length: > 0 } number)
        {
            if (long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Customers.CustomerOperations.IsNumber(id)) user = id;
            else Fault($"user_id is not a whole number up to {WholeNumber.MostText}");
        }

        var expires = Time(Field("expires_at"), "expires_at", endOfDay: true, Fault);
        var created = Time(Field("created_at"), "created_at", endOfDay: false, Fault);
        var updates = Time(Field("updates_until"), "updates_until", endOfDay: true, Fault);
        if (Field("channel") is { Length: > 0 } channel && Products.Label.Of(channel) is null) Fault($"channel must be {Products.Label.Rule}");
        if (_faults.Count == before) return new ImportLine(product, key, hash, host is "" ? null : host, user, expires, created ?? now, updates, LicenseOperations.ChannelOf(Field("channel")));
        _badLines++;
        return null;
    }

    static DateTimeOffset? Time(string text, string name, bool endOfDay, Action<string> fault)
    {
        if (text.Length == 0) return null;
        var time = Moment.Parse(text, endOfDay);
        if (time is null) fault($"{name} is not {Moment.Rule}");
        return time;
    }
}
