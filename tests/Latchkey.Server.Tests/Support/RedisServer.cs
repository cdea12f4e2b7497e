using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

[assembly: AssemblyFixture(typeof(Latchkey.Server.Tests.Support.RedisServer.Stop))]

namespace Latchkey.Server.Tests.Support;

/// <summary>A Redis server of a test's or of the run's own, on a free port. One that is not installed fails the tests.</summary>
sealed class RedisServer : IDisposable
{
    static readonly Lazy<RedisServer> Lazy = new(() => new RedisServer());
    static int _prefixes;

    readonly string _directory = TempDirectory.Make();
    readonly int _port = FreePort();
    Process? _process;

    public RedisServer() => Start();

    /// <summary>That of the run.</summary>
    public static RedisServer OfRun => Lazy.Value;

    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_port}");

    /// <summary>Counts of its own, and patience for a busy machine.</summary>
    public (string Name, string Value)[] Settings() =>
        [("Redis:ConnectionString", ConnectionString), ("Redis:Prefix", $"test-{Interlocked.Increment(ref _prefixes)}:"), ("Redis:Timeout", "00:00:05")];

    public void Start()
    {
        string[] arguments = ["--port", _port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", _directory];
        _process = Process.Start(new ProcessStartInfo("redis-server", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        for (var tries = 0; !Listens(); tries++)
        {
            if (tries > 200 || _process.HasExited) throw new InvalidOperationException("redis-server did not start.");
            _process.WaitForExit(25);
        }
    }

    bool Listens()
    {
        using var client = new TcpClient();
        try
        {
            client.Connect(IPAddress.Loopback, _port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>As <c>CONFIG SET</c> does.</summary>
    public void Configure(string name, string value)
    {
        using var connection = StackExchange.Redis.ConnectionMultiplexer.Connect(ConnectionString + ",allowAdmin=true");
        connection.GetServers()[0].ConfigSet(name, value);
    }

    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    /// <summary>STOP freezes it, CONT lets it go on.</summary>
    public void Signal(string signal)
    {
        using var kill = Process.Start("kill", ["-" + signal, _process!.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        if (_process is not null) Kill();
        TempDirectory.Delete(_directory);
    }

    /// <summary>At the end of the run.</summary>
    public sealed class Stop : IDisposable
    {
        public void Dispose()
        {
            if (Lazy.IsValueCreated) Lazy.Value.Dispose();
        }
    }
}
