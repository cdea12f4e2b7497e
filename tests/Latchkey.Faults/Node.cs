namespace Latchkey.Faults;

/// <summary>One <c>latchkey serve</c>, with a line of its own to the database and to Redis.</summary>
sealed class Node(string directory, int number, string program, IReadOnlyDictionary<string, string> shared, Line database, Line redis) : IAsyncDisposable
{
    Child? _process;

    public int Number => number;
    public int Port { get; } = Ports.Free();
    public Line Database => database;
    public Line Redis => redis;
    public Uri Url => new($"http://127.0.0.1:{Port}");

    public void Start()
    {
        var environment = new Dictionary<string, string>(shared)
        {
            ["LATCHKEY_DATA"] = Path.Combine(directory, $"node{number}"),
            ["LATCHKEY_Database__ConnectionString"] = PostgreSql.ConnectionString(database.Port),
            ["LATCHKEY_Redis__ConnectionString"] = $"127.0.0.1:{redis.Port}",
        };
        _process = new Child(directory, $"node{number}", environment, program, "serve", "--urls", Url.ToString());
    }

    public Task Kill() => _process!.End(Child.Kill);

    /// <summary>SIGTERM: it says that it is draining, goes on for a while, and ends.</summary>
    public async Task Retire()
    {
        if (await _process!.End(Child.Terminate) is not 0 and var status) throw new FaultsException($"node {number} ended with status {status}");
    }

    /// <summary>Nobody asks it directly while it is being replaced.</summary>
    public bool IsAway { get; set; }

    public void RequireAlive() => _process!.RequireAlive();

    public string Log => _process!.Log;

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.End(Child.Kill);
        await database.DisposeAsync();
        await redis.DisposeAsync();
    }
}
