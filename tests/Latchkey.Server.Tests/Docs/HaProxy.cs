using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Docs;

/// <summary>A real HAProxy with deploy/haproxy.cfg, or deploy/haproxy-nodes.cfg before one node, without TLS; and it tells the node what it saw.</summary>
sealed partial class HaProxy : IAsyncDisposable
{
    readonly Process _process;
    readonly string _home;
    readonly Task<string> _log;

    HaProxy(Process process, string home, int port) => (_process, _home, Port, _log) = (process, home, port, process.StandardOutput.ReadToEndAsync());

    public int Port { get; }

    public static async Task<HaProxy> Run(int upstream, string file)
    {
        var home = TempDirectory.Make();
        var port = Nginx.FreePorts().Plain;
        var text = File.ReadAllText(Path.Combine(Cli.Root, "deploy", file));
        var isForMany = file == "haproxy-nodes.cfg";
        if (isForMany) text = Put(text, "/etc/haproxy/errors/latchkey-503.http", Path.Combine(Cli.Root, "deploy", "haproxy-errors", "503.http"));
        text = Put(text, "    log /dev/log local0\n", "    log stdout format raw local0\n");
        text = Put(text, "    bind :80\n", $"    bind 127.0.0.1:{port}\n");
        text = Put(text, "    http-request redirect scheme https code 308 unless { ssl_fc }\n", "    http-request set-header X-Seen-Path %[pathq]\n    http-request set-header X-Seen-Address %[src]\n");
        text = OnlyForMany().Replace(text, "");
        text = Put(text, isForMany ? "10.0.0.11:8080" : "127.0.0.1:8080", $"127.0.0.1:{upstream}");
        var path = Path.Combine(home, "haproxy.cfg");
        await File.WriteAllTextAsync(path, text);
        var haproxy = new HaProxy(Process.Start(new ProcessStartInfo("/usr/sbin/haproxy", ["-db", "-f", path]) { RedirectStandardOutput = true })!, home, port);
        await Poll.Until(() => RawHttp.Send(port, "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", orNothing: true), answer => answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal));
        return haproxy;
    }

    static string Put(string text, string old, string now)
    {
        Assert.Contains(old, text);
        return text.Replace(old, now);
    }

    /// <summary>Its log; it is stopped for that.</summary>
    public async Task<string> Stop()
    {
        if (!_process.HasExited)
        {
            using (Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)])) await _process.WaitForExitAsync();
        }

        return await _log;
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        _process.Dispose();
        TempDirectory.Delete(_home);
    }

    [GeneratedRegex("^    (bind :443|server node[23]) .*\n", RegexOptions.Multiline)]
    private static partial Regex OnlyForMany();
}
