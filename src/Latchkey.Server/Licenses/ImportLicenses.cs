using System.Globalization;
using CsvHelper;
using CsvHelper.Configuration;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;

namespace Latchkey.Server.Licenses;

/// <summary>Some lines cannot be imported; none was.</summary>
sealed class ImportException(IReadOnlyList<string> faults, int lines) : Exception(
    string.Join(Environment.NewLine, faults) + Environment.NewLine + $"Nothing was imported: {lines} bad line{(lines == 1 ? "" : "s")}.");

/// <summary>Licenses from a CSV file, all or none. Hand-written statements: a hundred thousand lines take seconds.</summary>
sealed class ImportLicenses(UnitOfWork work)
{
    static readonly string[] Required = ["product_id", "license_key", "domain", "user_id"];
    static readonly string[] Optional = ["expires_at", "created_at", "updates_until", "channel"];

    const string LicenseSql = """
        INSERT INTO licenses (product_id, key_hash, key_cipher, key_suffix, user_id, state, max_domains, expires_at, created_at, updates_until, channel)
        VALUES ($1, $2, $3, $7, $4, 0, 1, $5, $6, $8, $9) RETURNING id
        """;

    const string CustomerSql = "INSERT INTO customers (id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";

    const string AuditSql = """
        INSERT INTO audit (at, actor_kind, actor_name, action, object_kind, after) VALUES ($1, $2, $3, 'license.import', 'license', $4)
        """;

    const string DomainSql = "INSERT INTO license_domains (license_id, host, bound_at) VALUES ($1, $2, $3)";

    sealed record Line(long Product, string Key, byte[] Hash, string? Host, long? User, DateTimeOffset? Expires, DateTimeOffset Created, DateTimeOffset? UpdatesUntil, string? Channel);

    readonly List<string> _faults = [];
    int _badLines;
    int _quoteFault;
    readonly HashSet<string> _keys = new(StringComparer.Ordinal);
    readonly HashSet<long> _products = [];
    readonly DateTimeOffset _now = work.Now;
    readonly Secrets _secrets = work.Secrets;

    /// <param name="text">The file.</param>
    /// <param name="progress">Told how far it has come: "checked" or "written", and how many lines.</param>
    /// <returns>How many licenses were imported.</returns>
    /// <exception cref="ImportException">Names every bad line.</exception>
    public int Run(TextReader text, Action<string, int>? progress = null)
    {
        work.Require(Permission.LicensesWrite);

        // Keys fall anywhere in their index: most of it should be at hand, however large it is.
        if (work.Database.IsEmbedded) Database.Execute(work.Connection, "PRAGMA cache_size=-65536");
        using var session = new WriteSession(work.Database, work.Connection);
        ReadProducts();
        var lines = ReadLines(text, session, progress);
        if (_faults.Count > 0) throw new ImportException(_faults, _badLines);
        session.Begin();
        foreach (var (index, line) in lines.Index())
        {
            Write(session, line);
            if (index % 1000 == 0) progress?.Invoke("written", index);
        }

        foreach (var user in lines.Select(line => line.User).OfType<long>().Distinct()) session.Execute(CustomerSql, user, UnixMicroseconds.From(_now));
        session.Execute(AuditSql, UnixMicroseconds.From(_now), (int)work.Actor.Kind, work.Actor.Name, string.Create(CultureInfo.InvariantCulture, $"{{\"count\":{lines.Count}}}"));
        session.Commit();
        progress?.Invoke("written", lines.Count);
        return lines.Count;
    }

    void Write(WriteSession session, Line line)
    {
        var created = UnixMicroseconds.From(line.Created);
        long? expires = line.Expires is { } time ? UnixMicroseconds.From(time) : null;
        long? updates = line.UpdatesUntil is { } until ? UnixMicroseconds.From(until) : null;
        var id = session.Scalar(LicenseSql, line.Product, line.Hash, _secrets.Seal(line.Key, line.Hash), line.User, expires, created, LicenseKey.Suffix(line.Key), updates, line.Channel);
        if (line.Host is not null) session.Execute(DomainSql, id, line.Host, UnixMicroseconds.From(_now));
    }

    void ReadProducts()
    {
        using var command = work.Connection.CreateCommand();
        command.CommandText = "SELECT id FROM products";
        using var reader = command.ExecuteReader();
        while (reader.Read()) _products.Add(reader.GetInt64(0));
    }

    List<Line> ReadLines(TextReader text, WriteSession session, Action<string, int>? progress)
    {
        using var csv = new CsvReader(text, new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            TrimOptions = TrimOptions.Trim,
            BadDataFound = bad => _quoteFault = bad.Context.Parser!.RawRow,
            DetectColumnCountChanges = false,
            IgnoreBlankLines = true,
        });
        RequireHeader(csv);
        var lines = new List<Line>();
        while (csv.Read())
        {
            if (ReadLine(csv, session) is { } line) lines.Add(line);
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

    Line? ReadLine(CsvReader csv, WriteSession session)
    {
        var before = _faults.Count;
        string Field(string name) => csv.TryGetField<string>(name, out var value) ? value ?? "" : "";
        void Fault(string sentence) => _faults.Add(string.Create(CultureInfo.InvariantCulture, $"line {csv.Context.Parser!.RawRow}: {sentence}"));

        if (_quoteFault > 0) Fault("the quotation marks do not match");
        _quoteFault = 0;
        if (csv.ColumnCount != csv.HeaderRecord!.Length) Fault($"it has {csv.ColumnCount} fields instead of {csv.HeaderRecord.Length}");
        if (!long.TryParse(Field("product_id"), NumberStyles.None, CultureInfo.InvariantCulture, out var product)) Fault("product_id is not a number");
        else if (!_products.Contains(product)) Fault($"there is no product {product}");

        var key = Field("license_key");
        var hash = _secrets.Hash(key);
        if (!LicenseKey.IsWellFormed(key)) Fault($"license_key must be {LicenseKey.Rule}");
        else if (!_keys.Add(key)) Fault("the same license_key stands further up");
        else if (session.Scalar("SELECT 1 FROM licenses WHERE key_hash = $1", hash) is not null) Fault("there is a license with this key already");

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
        if (_faults.Count == before) return new Line(product, key, hash, host is "" ? null : host, user, expires, created ?? _now, updates, LicenseOperations.ChannelOf(Field("channel")));
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
