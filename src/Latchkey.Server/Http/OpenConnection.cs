using Latchkey.Server.RateLimits;
using Microsoft.AspNetCore.Connections;

namespace Latchkey.Server.Http;

/// <summary>
/// One client's connection: at work on a request, or waiting for its client. Waiting, it may be told to give way; which of both comes
/// first is decided once, so that no request is cut that has begun.
/// </summary>
/// <param name="connection">Kestrel's.</param>
/// <param name="client">Whose; null: of a listed proxy, through which many come.</param>
sealed class OpenConnection(ConnectionContext connection, ClientAddress? client)
{
    const int Waiting = 0;
    const int Working = 1;
    const int Gone = 2;

    int _state;

    public ClientAddress? Client => client;
    public bool IsWaiting => Volatile.Read(ref _state) == Waiting;

    /// <summary>It is counted no more.</summary>
    public bool IsRemoved { get; set; }

    /// <summary>Since when it waits; only good for a comparison.</summary>
    public long Since { get; private set; } = TimeProvider.System.GetTimestamp();

    public void Works() => Interlocked.CompareExchange(ref _state, Working, Waiting);

    public void Waits()
    {
        Since = TimeProvider.System.GetTimestamp();
        Interlocked.CompareExchange(ref _state, Waiting, Working);
    }

    /// <returns>False if a request has just come.</returns>
    public bool TryGiveWay() => Interlocked.CompareExchange(ref _state, Gone, Waiting) == Waiting;

    public void Close() => connection.Abort(new ConnectionAbortedException("it gave way to another"));
}
