using System.Text.RegularExpressions;
using Latchkey.Server.Http;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Docs;

/// <summary>The documents name what there is, and nothing that there is not.</summary>
public sealed partial class ReferenceTests
{
    static string Read(string file) => File.ReadAllText(Path.Combine(Cli.Root, file));

    static IEnumerable<Refusal> Refusals() =>
        typeof(Wire).GetFields().Select(field => field.GetValue(null)).OfType<Refusal>()
            .Append(Wire.MethodNotAllowed("GET")).Append(Wire.InvalidRequest("a sentence")).Append(Wire.ConflictingInput("domain"))
            .Append(Wire.ReleaseNotFound("a sentence")).Append(Wire.NotEntitled("a sentence"));

    [Fact]
    public void Every_error_of_the_wire_is_in_the_API_reference_with_its_status_and_message()
    {
        var rows = Read("docs/api.md").Split('\n').Where(line => line.StartsWith('|')).ToList();
        foreach (var refusal in Refusals())
        {
            Assert.Contains(rows, row => row.Contains($"| {refusal.Status} | `{refusal.Code}` |") && row.Contains(refusal.Message));
        }
    }

    [Fact]
    public void Every_error_in_the_API_reference_is_one_of_the_wire()
    {
        var real = Refusals().Select(refusal => refusal.Code).ToHashSet();
        var named = ErrorRow().Matches(Read("docs/api.md")).Select(match => match.Groups[1].Value).ToList();
        Assert.NotEmpty(named);
        Assert.All(named, code => Assert.Contains(code, real));
    }

    [Fact]
    public void Every_setting_is_in_the_operators_guide_with_its_environment_variable_and_its_default()
    {
        var read = Setting().Matches(Read("src/Latchkey.Server/Configuration/Settings.cs") + Read("src/Latchkey.Server/Configuration/BlobSettings.cs") + Read("src/Latchkey.Server/Configuration/TelemetrySettings.cs") + Read("src/Latchkey.Server/Configuration/DatabaseSettings.cs") + Read("src/Latchkey.Server/Configuration/RedisSettings.cs") + Read("src/Latchkey.Server/Configuration/BackupSettings.cs"))
            .Select(match => match.Groups[1].Value).Append(Configuration.BackupSettings.PassphraseName).ToList();
        var rows = SettingRow().Matches(Read("docs/operations.md")).ToDictionary(match => match.Groups[1].Value, match => match.Groups[3].Value);
        Assert.Equal(read.Order(), rows.Keys.Order());
        var defaults = Configuration.Settings.Read(new ConfigurationBuilder().Build(), out _);
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["Data"] = $"`{defaults.Data}`",
                ["Urls"] = $"`{string.Join(';', defaults.Urls)}`",
                ["PublicUrl"] = defaults.PublicUrl is null ? "none" : "?",
                ["TrustedProxies"] = defaults.TrustedProxies.Length == 0 ? "none" : "?",
                ["RateLimit:RequestsPerMinute"] = $"`{defaults.RateLimit.RequestsPerMinute}`",
                ["RateLimit:FailuresPerMinute"] = $"`{defaults.RateLimit.FailuresPerMinute}`",
                ["Downloads:TokenLifetime"] = $"`{defaults.Downloads.TokenLifetime:c}`",
                ["Downloads:MaxConcurrent"] = $"`{defaults.Downloads.MaxConcurrent}`",
                ["Downloads:PerAddress"] = $"`{defaults.Downloads.PerAddress}`",
                ["Downloads:PerLicense"] = $"`{defaults.Downloads.PerLicense}`",
                ["Downloads:MinimumBytesPerSecond"] = $"`{defaults.Downloads.MinimumBytesPerSecond}`",
                ["Admin:RequestsPerMinute"] = $"`{defaults.Admin.RequestsPerMinute}`",
                ["Uploads:MaxBytes"] = $"`{defaults.Admin.MaxUploadBytes}`",
                ["Activity:KeepDays"] = $"`{defaults.Activity.KeepDays}`",
                ["Backup:To"] = defaults.Backup.To is null ? "none" : "?",
                ["Backup:Every"] = $"`{defaults.Backup.Every:c}`",
                ["Backup:Keep"] = $"`{defaults.Backup.Keep}`",
                ["Backup:Files"] = $"`{(defaults.Backup.HasFiles ? "Include" : "Reference")}`",
                ["BACKUP_PASSPHRASE"] = defaults.Backup.Passphrase is null ? "none" : "?",
                ["Blobs:Store"] = $"`{(defaults.Blobs.IsS3 ? "S3" : "Disk")}`",
                ["Blobs:Directory"] = defaults.Blobs.Directory is null ? "`files` in the data directory" : "?",
                ["Blobs:Delivery"] = $"`{defaults.Blobs.Delivery}`",
                ["Blobs:S3:Endpoint"] = defaults.Blobs.S3.Endpoint is null ? "none" : "?",
                ["Blobs:S3:Region"] = $"`{defaults.Blobs.S3.Region}`",
                ["Blobs:S3:Bucket"] = defaults.Blobs.S3.Bucket.Length == 0 ? "none" : "?",
                ["Blobs:S3:Prefix"] = $"`{defaults.Blobs.S3.Prefix}`",
                ["Blobs:S3:AccessKey"] = defaults.Blobs.S3.AccessKey is null ? "none" : "?",
                ["Blobs:S3:SecretKey"] = defaults.Blobs.S3.SecretKey is null ? "none" : "?",
                ["Blobs:S3:PathStyle"] = defaults.Blobs.S3.PathStyle ? "?" : "`auto`",
                ["Blobs:Accel:Header"] = $"`{defaults.Blobs.Accel.Header}`",
                ["Blobs:Accel:Prefix"] = defaults.Blobs.Accel.Prefix is null ? "`/latchkey-files`, or the directory" : "?",
                ["Log:Level"] = $"`{defaults.Log.Level}`",
                ["Log:Format"] = $"`{defaults.Log.Format}`",
                ["Telemetry:Otlp:Endpoint"] = defaults.Telemetry.Otlp is null ? "none" : "?",
                ["Telemetry:Otlp:Protocol"] = "`grpc`",
                ["Telemetry:Otlp:Headers"] = "none",
                ["Telemetry:Otlp:TracePercent"] = "`100`",
                ["Telemetry:Metrics:Urls"] = defaults.Telemetry.MetricsUrls.Length == 0 ? "none" : "?",
                ["Telemetry:Metrics:Token"] = defaults.Telemetry.MetricsToken is null ? "none" : "?",
                ["Connections:Max"] = $"`{defaults.Connections.Max}`",
                ["Connections:PerAddress"] = $"`{defaults.Connections.PerAddress}`",
                ["Connections:HeaderTimeout"] = $"`{defaults.Connections.HeaderTimeout:c}`",
                ["Connections:BodyTimeout"] = $"`{defaults.Connections.BodyTimeout:c}`",
                ["ShutdownTimeout"] = $"`{defaults.ShutdownTimeout:c}`",
                ["ShutdownDelay"] = $"`{defaults.ShutdownDelay:c}`",
                ["Database:Provider"] = $"`{(defaults.Database.IsPostgreSql ? "PostgreSql" : "Sqlite")}`",
                ["Database:ConnectionString"] = defaults.Database.ConnectionString is null ? "none" : "?",
                ["Database:MigrateOnStart"] = "`false`",
                ["Secrets:Directory"] = defaults.SecretsDirectory is null ? "`secrets` in the data directory" : "?",
                ["Redis:ConnectionString"] = defaults.Redis.Options is null ? "none" : "?",
                ["Redis:Prefix"] = $"`{defaults.Redis.Prefix}`",
                ["Redis:Timeout"] = $"`{defaults.Redis.Timeout:c}`",
            },
            rows);
        Assert.All(SettingRow().Matches(Read("docs/operations.md")), row => Assert.Equal(
            "LATCHKEY_" + row.Groups[1].Value.Replace(":", "__"), row.Groups[2].Value.Replace("TrustedProxies__0", "TrustedProxies"), ignoreCase: true));
    }

    [Fact]
    public void Every_spelling_of_a_domain_in_the_API_reference_is_read_as_it_says()
    {
        var rows = DomainRow().Matches(Read("docs/api.md"));
        Assert.True(rows.Count > 20);
        foreach (Match row in rows)
        {
            var meant = row.Groups[2].Value == "INVALID_DOMAIN" ? null : row.Groups[2].Value;
            foreach (Match spelling in Quoted().Matches(row.Groups[1].Value))
            {
                Assert.Equal((spelling.Value, meant), (spelling.Value, Server.Licenses.CanonicalHost.Of(spelling.Groups[1].Value)));
            }
        }
    }

    [Fact]
    public void Every_command_and_option_of_the_command_line_is_in_its_reference()
    {
        var reference = Read("docs/cli.md");
        foreach (var file in Directory.GetFiles(Path.Combine(Cli.Root, "src/Latchkey.Server/Commands"), "*.cs"))
        {
            var text = File.ReadAllText(file);
            Assert.All(OptionName().Matches(text), option => Assert.Contains(option.Groups[1].Value, Expanded(reference)));
            Assert.All(CommandName().Matches(text), command => Assert.Matches($@"latchkey [^\n]*\b{command.Groups[1].Value}\b", reference));
        }
    }

    static string Expanded(string reference) => reference + reference.Replace("[no-]", "") + reference.Replace("[no-]", "no-");

    [Fact]
    public void Every_relative_link_in_a_document_leads_somewhere()
    {
        foreach (var file in Documents())
        {
            foreach (Match link in Link().Matches(File.ReadAllText(file)))
            {
                var (path, anchor) = (link.Groups[1].Value, link.Groups[2].Value.TrimStart('#'));
                var target = path.Length == 0 ? file : Path.Combine(Path.GetDirectoryName(file)!, path);
                Assert.True(Path.Exists(target), $"{file} links to {path}");
                if (anchor.Length > 0) Assert.True(Anchors(target).Contains(anchor), $"{file} links to {path}#{anchor}");
            }
        }
    }

    [Fact]
    public void Every_test_that_the_security_case_names_is_one()
    {
        var named = NamedTest().Matches(Read("docs/security.md"));
        Assert.True(named.Count > 50, "the case names its tests in another form");
        foreach (Match test in named)
        {
            var source = File.ReadAllText(Path.Combine(Cli.Root, "docs", test.Groups[2].Value));
            Assert.Matches($@"\[(Fact|Theory)[\s\S]{{0,2000}}public (async Task|void) {test.Groups[1].Value}\(", source);
        }
    }

    [Fact]
    public void The_README_shows_what_it_has_to_show_on_its_first_screen()
    {
        var fold = Read("README.md").Split("\n---\n")[0];
        Assert.True(fold.Split('\n').Length <= 45, "the part above the fold is longer than a screen");
        Assert.All(["./latchkey serve --demo", "./test", "/api/license/verify", "/api/license/download", "docs/api.md", "docs/operations.md"], part => Assert.Contains(part, fold));
    }

    static IEnumerable<string> Documents() =>
        Directory.GetFiles(Cli.Root, "*.md").Concat(Directory.GetFiles(Path.Combine(Cli.Root, "docs"), "*.md", SearchOption.AllDirectories));

    static HashSet<string> Anchors(string file) =>
        [.. File.ReadLines(file).Where(line => line.StartsWith('#')).Select(line => NoAnchor().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'))];

    [GeneratedRegex(@"^\|[^|]*\| \d{3} \| `([A-Z_]+)` \|", RegexOptions.Multiline)]
    private static partial Regex ErrorRow();

    [GeneratedRegex(@"from\.\w+\(""([\w:]+)""")]
    private static partial Regex Setting();

    [GeneratedRegex(@"^\| `([\w:]+)` \| `(LATCHKEY_\w+)`[^|]* \| ([^|]+) \|", RegexOptions.Multiline)]
    private static partial Regex SettingRow();

    [GeneratedRegex(@"^\| (`[^|]+`) \| `([^`|]+)` \| [^|]*\|$", RegexOptions.Multiline)]
    private static partial Regex DomainRow();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"new\(""(--[\w-]+)""\)|Option<[^>]+>\(""(--[\w-]+)""\)")]
    private static partial Regex OptionName();

    [GeneratedRegex(@"(?:new Command|One)\(""(\w+)""|Command Make\(\) => new\(""(\w+)""")]
    private static partial Regex CommandName();

    [GeneratedRegex(@"\[`(\w+)`\]\((\.\./tests/[^)]+)\)")]
    private static partial Regex NamedTest();

    [GeneratedRegex(@"\]\((?!https?:)([^)#\s]*)(#[^)\s]*)?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NoAnchor();
}
