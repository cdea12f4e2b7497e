using System.Diagnostics;
using System.Net.Sockets;

namespace Latchkey.Bench;

/// <summary>What a number of clients got in the time.</summary>
readonly record struct Fetched(long Answers, long Bytes, TimeSpan Time)
{
    public double AnswersPerSecond => Answers / Time.TotalSeconds;
    public double BytesPerSecond => Bytes / Time.TotalSeconds;
}

/// <summary>A number of kept connections, each with a thread, that work off one list of requests.</summary>
sealed class Clients : IDisposable
{
    readonly IReadOnlyList<byte[]> _requests;
    readonly bool _repeat;
    readonly Action<int, RawConnection>? _got;
    readonly RawConnection[] _connections;
    readonly ManualResetEventSlim _go = new();
    readonly CountdownEvent _running;
    int _next = -1;
    long _answers;
    volatile bool _over;
    volatile string? _fault;

    Clients(int port, int count, IReadOnlyList<byte[]> requests, bool repeat, Action<int, RawConnection>? got)
    {
        (_requests, _repeat, _got, _running) = (requests, repeat, got, new CountdownEvent(count));
        _connections = [.. Enumerable.Range(0, count).Select(_ => new RawConnection(port))];
    }

    /// <summary>For a given time, or until the list is worked off.</summary>
    /// <param name="port">Of the server.</param>
    /// <param name="count">How many clients.</param>
    /// <param name="requests">What they ask, one after the other.</param>
    /// <param name="repeat">Begin the list again at its end.</param>
    /// <param name="time">How long.</param>
    /// <param name="got">Told of every answer: which request it is to, and where to read it.</param>
    /// <exception cref="BenchException">An answer was not 200.</exception>
    public static Fetched Run(int port, int count, IReadOnlyList<byte[]> requests, bool repeat, TimeSpan time, Action<int, RawConnection>? got = null)
    {
        using var clients = new Clients(port, count, requests, repeat, got);
        return clients.Run(time);
    }

    Fetched Run(TimeSpan time)
    {
        Thread[] threads = [.. _connections.Select(connection => new Thread(() => Work(connection), 256 * 1024) { IsBackground = true })];
        foreach (var thread in threads) thread.Start();
        var clock = Stopwatch.StartNew();
        _go.Set();
        _running.Wait(time);
        var fetched = new Fetched(Interlocked.Read(ref _answers), _connections.Sum(connection => connection.Received), clock.Elapsed);
        _over = true;
        foreach (var connection in _connections) connection.Dispose();
        foreach (var thread in threads) thread.Join();
        if (_fault is not null) throw new BenchException(_fault);
        return fetched;
    }

    void Work(RawConnection connection)
    {
        _go.Wait();
        try
        {
            while (!_over && _fault is null && Next() is { } index) Exchange(connection, index);
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException or BenchException)
        {
            // At the end every connection is cut off in the middle of something.
            if (!_over) _fault = failure.Message;
        }
        finally
        {
            _running.Signal();
        }
    }

    int? Next()
    {
        var next = Interlocked.Increment(ref _next);
        if (_repeat) return next % _requests.Count;
        return next < _requests.Count ? next : null;
    }

    void Exchange(RawConnection connection, int index)
    {
        var status = connection.Exchange(_requests[index]);
        if (status != 200) _fault = $"an answer was {status}";
        _got?.Invoke(index, connection);
        Interlocked.Increment(ref _answers);
    }

    public void Dispose()
    {
        foreach (var connection in _connections) connection.Dispose();
        _go.Dispose();
        _running.Dispose();
    }
}
