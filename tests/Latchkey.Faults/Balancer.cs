using System.Text.RegularExpressions;

namespace Latchkey.Faults;

/// <summary>HAProxy with deploy/haproxy-nodes.cfg as it is, but for addresses, certificates and the system's log.</summary>
sealed partial class Balancer(string directory, string root, IReadOnlyList<Node> nodes) : IAsyncDisposable
{
    Child? _process;

    public int Port { get; } = Ports.Free();
    public Uri Url => new($"http://127.0.0.1:{Port}");

    public async Task Start()
    {
        var path = Path.Combine(directory, "haproxy.cfg");
        await File.WriteAllTextAsync(path, Configuration());
        _process = new Child(directory, "haproxy", new Dictionary<string, string>(), Program(), "-db", "-f", path);
        await Ports.Until(() => Ports.Listens(Port), _process);
    }

    string Configuration()
    {
        var text = File.ReadAllText(Path.Combine(root, "deploy", "haproxy-nodes.cfg"));
        text = Replace(text, "/etc/haproxy/errors/latchkey-503.http", Path.Combine(root, "deploy", "haproxy-errors", "503.http"));
        text = Replace(text, "    log /dev/log local0\n", "");
        text = Replace(text, "    bind :80\n", $"    bind 127.0.0.1:{Port}\n");
        text = Replace(text, "    http-request redirect scheme https code 308 unless { ssl_fc }\n", "");
        text = Certificate().Replace(text, "");
        foreach (var node in nodes) text = Replace(text, $"10.0.0.1{node.Number}:8080", $"127.0.0.1:{node.Port}");
        return text;
    }

    static string Replace(string text, string old, string mine) =>
        text.Contains(old, StringComparison.Ordinal) ? text.Replace(old, mine, StringComparison.Ordinal) : throw new FaultsException($"deploy/haproxy-nodes.cfg has no \"{old.Trim()}\"");

    static string Program() => new[] { "/usr/sbin/haproxy", "/usr/local/sbin/haproxy" }.FirstOrDefault(File.Exists) ?? throw new FaultsException("HAProxy is not installed");

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
    }

    [GeneratedRegex("^    bind :443 .*\n", RegexOptions.Multiline)]
    private static partial Regex Certificate();
}
