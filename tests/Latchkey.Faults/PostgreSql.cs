using System.Globalization;

namespace Latchkey.Faults;

/// <summary>What it has committed is on disk: fsync is on.</summary>
sealed class PostgreSql(string directory) : IAsyncDisposable
{
    const string User = "latchkey";
    static readonly Dictionary<string, string> Nothing = [];

    Child? _process;

    public int Port { get; } = Ports.Free();

    static string Bin => Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault()
        ?? throw new FaultsException("PostgreSQL is not installed");

    /// <summary>PostgreSQL does not run as root.</summary>
    static string[] AsPostgres => Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] : [];

    string Data => Path.Combine(directory, "postgresql");

    public static string ConnectionString(int port) => $"Host=127.0.0.1;Port={port};Database=postgres;Username={User}";

    public async Task Initialize()
    {
        Directory.CreateDirectory(Data);
        if (Environment.IsPrivilegedProcess) await Child.Output(Nothing, "chown", "postgres", Data);
        await Child.Output(Nothing, [.. AsPostgres, Path.Combine(Bin, "initdb"), "-D", Data, "-U", User, "-A", "trust", "-E", "UTF8", "--locale=C"]);
    }

    /// <summary>Returns when it takes connections, which is a moment after it listens.</summary>
    public async Task Start()
    {
        _process = new Child(directory, "postgresql-server", Nothing,
        [
            .. AsPostgres, Path.Combine(Bin, "postgres"), "-D", Data, "-p", Port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1", "-k", Data,
            "-c", "max_connections=200", "-c", "fsync=on", "-c", "synchronous_commit=on",
        ]);
        var ask = $"{Path.Combine(Bin, "pg_isready")} -q -h 127.0.0.1 -p {Port}".Split(' ');
        for (var tries = 0; ; tries++)
        {
            _process.RequireAlive();
            try
            {
                await Child.Output(Nothing, ask);
                return;
            }
            catch (FaultsException) when (tries < 200)
            {
                await Task.Delay(100);
            }
        }
    }

    public Task Stop() => _process!.End(Child.Interrupt);

    public void Freeze() => _process!.SignalAll(Child.Stop);

    public void Thaw() => _process!.SignalAll(Child.Continue);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.End(Child.Quit);
    }
}
