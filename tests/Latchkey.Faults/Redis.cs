using System.Globalization;

namespace Latchkey.Faults;

/// <summary>It keeps nothing on disk: what it counted is gone with it.</summary>
sealed class Redis(string directory) : IAsyncDisposable
{
    Child? _process;

    public int Port { get; } = Ports.Free();

    public async Task Start()
    {
        _process = new Child(directory, "redis", new Dictionary<string, string>(),
            "redis-server", "--port", Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", directory);
        await Ports.Until(() => Ports.Listens(Port), _process);
    }

    public Task Stop() => _process!.End(Child.Kill);

    public void Freeze() => _process!.Signal(Child.Stop);

    public void Thaw() => _process!.Signal(Child.Continue);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.End(Child.Kill);
    }
}
