using System.Net;
using System.Net.Sockets;

namespace Latchkey.Bench;

/// <summary>Where a run takes place: the directories, the programs, and how they are started.</summary>
sealed class Stage(BenchOptions options)
{
    /// <summary>The limiter does all its work and never refuses.</summary>
    static readonly Dictionary<string, string> LatchkeySettings = new()
    {
        ["LATCHKEY_RateLimit__RequestsPerMinute"] = "1000000000",
        ["LATCHKEY_RateLimit__FailuresPerMinute"] = "1000000000",
        ["LATCHKEY_Log__Format"] = "json",
    };

    public BenchOptions Options => options;

    string Work => Path.Combine(options.Root, "bench", "work");
    string Latchkey => At("latchkey", "latchkey");
    public string Lua => Path.Combine(options.Root, "bench", "requests.lua");

    public string At(params string[] parts) => Path.Combine([Work, .. parts]);

    /// <summary>An operator's command.</summary>
    public Task<string> Command(string data, CancellationToken stop, params string[] arguments) =>
        Child.Output(Latchkey, [.. arguments, "--data", data, "--json"], stop);

    /// <summary>The same, with settings.</summary>
    public Task<string> CommandWith(Dictionary<string, string> settings, string data, CancellationToken stop, params string[] arguments) =>
        Child.Output("env", [.. settings.Select(setting => $"{setting.Key}={setting.Value}"), Latchkey, .. arguments, "--data", data, "--json"], stop);

    /// <param name="data">Its data directory.</param>
    /// <param name="stop">Gives up waiting.</param>
    /// <param name="more">Settings.</param>
    public Task<Server> StartLatchkey(string data, CancellationToken stop, Dictionary<string, string>? more = null)
    {
        var server = BeginLatchkey(data, more);
        return server.Listening(stop);
    }

    /// <summary>Started, and perhaps not listening yet.</summary>
    public Server BeginLatchkey(string data, Dictionary<string, string>? more = null)
    {
        var port = FreePort();
        return new Server(new Child(this, "latchkey", LatchkeySettings.Concat(more ?? []).ToDictionary(), Latchkey, "serve", "--data", data, "--urls", $"http://127.0.0.1:{port}"), port);
    }

    public Task<Server> StartBare(string verifyBody, string mintBody, CancellationToken stop)
    {
        var port = FreePort();
        var program = Path.Combine(options.Root, "artifacts", "bin", "BareKestrel", "release", "BareKestrel");
        return new Server(new Child(this, "bare", new Dictionary<string, string>(), program, $"http://127.0.0.1:{port}", verifyBody, mintBody), port).Listening(stop);
    }

    /// <summary>Serves the files in <paramref name="directory"/>.</summary>
    public Task<Server> StartNginx(string directory, CancellationToken stop)
    {
        var port = FreePort();
        var configuration = At("nginx.conf");
        File.WriteAllText(configuration, Nginx.Configuration(Work, directory, port));
        return new Server(new Child(this, "nginx", new Dictionary<string, string>(), "nginx", "-c", configuration, "-p", Work), port).Listening(stop);
    }

    /// <summary>nginx in front of nodes.</summary>
    public Task<Server> StartBalancer(string name, int[] nodes, CancellationToken stop)
    {
        var port = FreePort();
        var configuration = At($"balancer-{name}.conf");
        File.WriteAllText(configuration, Nginx.Balancer(Work, name, nodes, port));
        return new Server(new Child(this, "balancer-" + name, new Dictionary<string, string>(), "nginx", "-c", configuration, "-p", Work), port).Listening(stop);
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
