using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

[assembly: AssemblyFixture(typeof(Latchkey.Server.Tests.Support.PostgreSqlServer.Stop))]

namespace Latchkey.Server.Tests.Support;

/// <summary>A PostgreSQL server of this run's own, on a free port, that starts when the first test asks for it. One that is not installed fails the tests.</summary>
sealed class PostgreSqlServer : IDisposable
{
    const string User = "latchkey";

    static readonly Lazy<PostgreSqlServer> Lazy = new(() => new PostgreSqlServer(durable: false));

    readonly string _directory = TempDirectory.Make();
    readonly bool _durable;
    Process? _process;

    /// <param name="durable">What is committed is on disk; else a test that kills it may find less.</param>
    public PostgreSqlServer(bool durable)
    {
        _durable = durable;
        Port = FreePort();
        Initialize();
        Start();
    }

    /// <summary>That of the run.</summary>
    public static PostgreSqlServer OfRun => Lazy.Value;

    public int Port { get; }

    public int ProcessId => _process!.Id;

    static string Bin => Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault()
        ?? throw new InvalidOperationException("PostgreSQL is not installed: ./test does that.");

    string Data => Path.Combine(_directory, "data");

    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={Port};Database={database};Username={User};Maximum Pool Size=20;Connection Idle Lifetime=10";

    void Initialize()
    {
        if (Environment.IsPrivilegedProcess) Run("chown", "postgres", _directory);
        Run([.. AsPostgres, Path.Combine(Bin, "initdb"), "-D", Data, "-U", User, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
    }

    /// <summary>PostgreSQL does not run as root.</summary>
    static string[] AsPostgres => Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] : [];

    /// <summary>Starts it, and waits until it answers.</summary>
    public void Start()
    {
        string[] quick = _durable ? [] : ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"];
        string[] command =
        [
            .. AsPostgres, Path.Combine(Bin, "postgres"), "-D", Data, "-p", Port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1", "-k", _directory,
            "-c", "max_connections=400", "-c", "shared_buffers=128MB", "-c", "log_min_messages=fatal", .. quick,
        ];
        _process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        for (var tries = 0; !Answers(); tries++)
        {
            if (tries > 600 || _process.HasExited) throw new InvalidOperationException("PostgreSQL did not start.");
            _process.WaitForExit(50);
        }
    }

    bool Answers()
    {
        try
        {
            Execute("postgres", "SELECT 1");
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    /// <summary>As an administrator.</summary>
    public void Execute(string database, string sql) => Ask<object?>(database, sql);

    public T? Ask<T>(string database, string sql)
    {
        using var connection = new NpgsqlConnection(ConnectionString(database) + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        return (T?)command.ExecuteScalar();
    }

    /// <summary>Stops it: TERM waits for clients, INT does not, QUIT is as a crash.</summary>
    public void Shutdown(string signal = "INT")
    {
        Run("kill", "-" + signal, _process!.Id.ToString(CultureInfo.InvariantCulture));
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>STOP freezes every process of it, CONT lets them go on.</summary>
    public void Signal(string signal)
    {
        var children = File.ReadAllText($"/proc/{_process!.Id}/task/{_process.Id}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Run(["kill", "-" + signal, _process.Id.ToString(CultureInfo.InvariantCulture), .. children]);
    }

    static void Run(params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var said = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', command)}: {said}");
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        if (_process is { HasExited: false }) Shutdown("QUIT");
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
