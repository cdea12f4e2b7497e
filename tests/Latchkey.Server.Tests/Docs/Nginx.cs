using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Docs;

/// <summary>A real nginx with deploy/nginx.conf, in a directory of its own: only addresses and paths are put in.</summary>
sealed partial class Nginx : IAsyncDisposable
{
    readonly Process _process;

    Nginx(Process process, string home, int port) => (_process, Home, Port) = (process, home, port);

    public string Home { get; }
    public int Port { get; }

    public string Logs => string.Concat(Directory.GetFiles(Home, "*.log").Select(File.ReadAllText));

    /// <summary>The arguments of nginx for this configuration.</summary>
    /// <param name="home">Where all of it lies.</param>
    /// <param name="plain">A free port.</param>
    /// <param name="secure">Another.</param>
    /// <param name="upstream">The server's.</param>
    /// <param name="files">Where the files lie that it sends by itself; null: it leaves that to the server.</param>
    public static string[] Prepare(string home, int plain, int secure, int upstream, string? files = null)
    {
        WriteCertificate(home);
        var site = File.ReadAllText(Path.Combine(Cli.Root, "deploy", "nginx.conf"));
        site = Put(site, "listen 80;", $"listen 127.0.0.1:{plain};");
        site = Put(site, "listen 443 ssl;", $"listen 127.0.0.1:{secure} ssl;");
        site = Put(site, "server 127.0.0.1:8080;", $"server 127.0.0.1:{upstream};");
        site = Put(site, "/etc/ssl/licenses.example.com/", home + "/");
        site = Put(site, "/var/log/nginx/", home + "/");
        site = Put(site, "    proxy_read_timeout 60s;\n", "    proxy_read_timeout 60s;\n    proxy_set_header X-Seen-Path $request_uri;\n    proxy_set_header X-Seen-Address $remote_addr;\n");
        if (files is not null) site = Put(Commented().Replace(site, "$1"), "/srv/latchkey-files/", files + "/");
        File.WriteAllText(Path.Combine(home, "site.conf"), site);
        var user = Environment.UserName == "root" ? "user root;" : "";
        var temporary = string.Concat(new[] { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" }.Select(kind => $"{kind}_temp_path {home}/{kind};\n"));
        File.WriteAllText(Path.Combine(home, "main.conf"), $"{user} daemon off; pid {home}/nginx.pid; events {{}}\nhttp {{ {temporary} include {home}/site.conf; }}\n");
        return ["-p", home, "-e", Path.Combine(home, "start.log"), "-c", Path.Combine(home, "main.conf")];
    }

    /// <summary>A line of configuration behind a sign; what is meant for people has a space and a capital.</summary>
    [GeneratedRegex("^(    )#(?=location|    |})", RegexOptions.Multiline)]
    private static partial Regex Commented();

    static string Put(string text, string old, string now)
    {
        Assert.Contains(old, text);
        return text.Replace(old, now);
    }

    static void WriteCertificate(string home)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = DateTimeOffset.UnixEpoch.AddYears(50);
        using var certificate = new CertificateRequest("CN=licenses.example.com", key, HashAlgorithmName.SHA256).CreateSelfSigned(now, now.AddYears(100));
        File.WriteAllText(Path.Combine(home, "fullchain.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(home, "privkey.pem"), key.ExportPkcs8PrivateKeyPem());
    }

    public static async Task<Nginx> Run(int upstream, string? files = null)
    {
        var home = TempDirectory.Make();
        var (plain, secure) = FreePorts();
        var process = Process.Start(new ProcessStartInfo("nginx", Prepare(home, plain, secure, upstream, files)))!;
        var nginx = new Nginx(process, home, secure);
        for (var tries = 0; !process.HasExited && tries < 200; tries++)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, secure);
                return nginx;
            }
            catch (SocketException)
            {
                await Task.Delay(25);
            }
        }

        var logs = nginx.Logs;
        await nginx.DisposeAsync();
        throw new InvalidOperationException("nginx did not start: " + logs);
    }

    public static (int Plain, int Secure) FreePorts()
    {
        using var first = new TcpListener(IPAddress.Loopback, 0);
        using var second = new TcpListener(IPAddress.Loopback, 0);
        first.Start();
        second.Start();
        return (((IPEndPoint)first.LocalEndpoint).Port, ((IPEndPoint)second.LocalEndpoint).Port);
    }

    /// <summary>A client at <paramref name="address"/> (any 127.0.0.x is this machine) that asks for licenses.example.com.</summary>
    public HttpClient ClientAt(string address)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, stop) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 64 * 1024 };
                socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
                await socket.ConnectAsync(IPAddress.Loopback, Port, stop);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=licenses.example.com";
        return new HttpClient(handler) { BaseAddress = new Uri("https://licenses.example.com"), Timeout = TimeSpan.FromSeconds(60) };
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using (Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)])) await _process.WaitForExitAsync();
        }

        _process.Dispose();
        TempDirectory.Delete(Home);
    }
}
