namespace Latchkey.Faults;

/// <summary>PostgreSQL, Redis, three nodes and HAProxy in front of them, on this machine, in a directory of this run's own.</summary>
sealed class Stage : IAsyncDisposable
{
    public const int Limit = 120;
    public static readonly TimeSpan ShutdownDelay = TimeSpan.FromSeconds(4);

    readonly Options _options;
    readonly string _directory;
    readonly Dictionary<string, string> _settings;

    public Stage(Options options)
    {
        _options = options;
        _directory = Directory.CreateTempSubdirectory("latchkey-faults-").FullName;
        Database = new PostgreSql(_directory);
        Redis = new Redis(_directory);
        _settings = new Dictionary<string, string>
        {
            ["LATCHKEY_Database__Provider"] = "PostgreSql",
            ["LATCHKEY_Database__ConnectionString"] = PostgreSql.ConnectionString(Database.Port),
            ["LATCHKEY_Secrets__Directory"] = Path.Combine(_directory, "secrets"),
            ["LATCHKEY_Blobs__Directory"] = Path.Combine(_directory, "files"),
            ["LATCHKEY_DATA"] = Path.Combine(_directory, "data"),
            ["LATCHKEY_TrustedProxies"] = "127.0.0.1",
            ["LATCHKEY_RateLimit__RequestsPerMinute"] = Limit.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["LATCHKEY_Admin__RequestsPerMinute"] = "0",
            ["LATCHKEY_ShutdownDelay"] = ShutdownDelay.ToString(),
            ["LATCHKEY_Log__Format"] = "text",
        };
        Nodes = [.. Enumerable.Range(1, 3).Select(number => new Node(_directory, number, Program, _settings, new Line(Database.Port), new Line(Redis.Port)))];
        Balancer = new Balancer(_directory, options.Root, Nodes);
    }

    public PostgreSql Database { get; }
    public Redis Redis { get; }
    public IReadOnlyList<Node> Nodes { get; }
    public Balancer Balancer { get; }
    public string Place => _directory;

    string Program => Path.Combine(_options.Root, "artifacts", "latchkey", "latchkey");

    public async Task Start()
    {
        // PostgreSQL runs as another user, in a directory below this one.
        await Child.Output(_settings, "chmod", "711", _directory);
        await Database.Initialize();
        await Database.Start();
        await Redis.Start();
        await Command("migrate");
    }

    public async Task Open()
    {
        foreach (var node in Nodes) node.Start();
        await Balancer.Start();
    }

    /// <summary>A command of the operator, straight to the database.</summary>
    public Task<string> Command(params string[] arguments) => Child.Output(_settings, [Program, .. arguments]);

    public string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public async ValueTask DisposeAsync()
    {
        await Balancer.DisposeAsync();
        foreach (var node in Nodes) await node.DisposeAsync();
        await Redis.DisposeAsync();
        await Database.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
