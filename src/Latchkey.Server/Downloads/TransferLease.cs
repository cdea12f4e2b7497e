using Latchkey.Server.Data;
using Latchkey.Server.Telemetry;

namespace Latchkey.Server.Downloads;

/// <summary>
/// How far a transfer has come, and its hold on the token: renewed every five seconds for as long as the
/// transfer runs, and before it comes further than was written down; given up, and the transfer with it, if
/// its client reads too slowly for half a minute, or another transfer took over.
/// </summary>
sealed class TransferLease : IDisposable
{
    static readonly TimeSpan RenewEvery = DownloadTokens.Lease / 6;
    static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(1);

    // No longer than a lease that nobody renews: a client that is gone keeps its token busy no longer than a server that is.
    const int SlowBeats = 5;

    readonly DownloadTokens _tokens;
    readonly Transfer _transfer;
    readonly TimeProvider _clock;
    readonly CancellationTokenSource _running;
    readonly ITimer _heartbeat;
    readonly SendQueue _queue;
    readonly long _slowest;
    long _sent;
    long _charged;
    long _taken;
    int _slow;
    Task? _charging;
    volatile bool _settled;

    /// <param name="tokens">Where it is written.</param>
    /// <param name="transfer">What it is for.</param>
    /// <param name="queue">What the client has not taken yet.</param>
    /// <param name="slowest">The least speed, bytes per second; 0 allows any.</param>
    /// <param name="clock">Beats every ten seconds.</param>
    /// <param name="clientGone">The connection has ended.</param>
    public TransferLease(DownloadTokens tokens, Transfer transfer, SendQueue queue, int slowest, TimeProvider clock, CancellationToken clientGone)
    {
        (_tokens, _transfer, _clock, _queue, _charged) = (tokens, transfer, clock, queue, transfer.FirstCharge);
        _slowest = slowest * (long)RenewEvery.TotalSeconds;
        _running = CancellationTokenSource.CreateLinkedTokenSource(clientGone);
        var every = transfer.SpentByClaim ? Timeout.InfiniteTimeSpan : RenewEvery;
        _heartbeat = clock.CreateTimer(lease => _ = ((TransferLease)lease!).Renew(), this, every, every);
    }

    /// <summary>Cancelled when the client is gone or the lease lost.</summary>
    public CancellationToken Running => _running.Token;

    public long Sent => Volatile.Read(ref _sent);
    public long Left => _transfer.Part.Length - Sent;
    public long Offset => _transfer.Part.From + Sent;

    /// <summary>Bytes that may leave before more is written down.</summary>
    public long Room => Volatile.Read(ref _charged) - Sent;

    /// <summary>Bytes that were charged, and did not leave.</summary>
    public long Unused => Room;

    public void Advance(int bytes)
    {
        Volatile.Write(ref _sent, _sent + bytes);
        Instruments.Sent(bytes, "stream");
    }

    /// <summary>Sees to it that so many bytes may leave. The writing begins when half of the room is left, and is seldom waited for.</summary>
    public async ValueTask MakeRoom(long bytes)
    {
        bytes = Math.Min(bytes, Left);
        while (_charging is { IsCompleted: true } || Room < bytes)
        {
            await (_charging ??= Charge());
            _charging = null;
        }

        if (Room < DownloadTokens.Step / 2 && _charged < _transfer.Limit) _charging ??= Charge();
    }

    /// <exception cref="OperationCanceledException">The token is no longer this transfer's.</exception>
    async Task Charge()
    {
        var more = Math.Min(DownloadTokens.Step, _transfer.Limit - _charged);
        if (more <= 0) throw new OperationCanceledException("its limit is reached");
        for (var tries = 0; ; tries++)
        {
            try
            {
                var isMine = await _tokens.TryRenew(_transfer, Offset, _transfer.Part.From + _charged + more, more, _clock.GetUtcNow(), spend: false);
                if (!isMine) throw new OperationCanceledException("another transfer has taken over");
                Volatile.Write(ref _charged, _charged + more);
                return;
            }
            catch (StoreUnavailableException) when (tries < DownloadTokens.Lease / RetryEvery)
            {
                await Task.Delay(RetryEvery, _clock, Running);
            }
        }
    }

    /// <summary>The last byte is next.</summary>
    public async Task Spend()
    {
        // A renewal that comes behind this in the queue finds the token spent, which is no loss.
        _settled = true;
        var at = _clock.GetUtcNow();
        for (var tries = 0; ; tries++)
        {
            try
            {
                // With the same time again: it may have been written the first time.
                if (await _tokens.TryRenew(_transfer, Offset, 0, 0, at, spend: true)) return;
                throw new OperationCanceledException("another transfer has taken over");
            }
            catch (StoreUnavailableException) when (tries < DownloadTokens.Lease / RetryEvery)
            {
                await Task.Delay(RetryEvery, _clock, Running);
            }
        }
    }

    /// <summary>Nothing more leaves; what was being written down is, when this is done.</summary>
    public async Task Stop()
    {
        _settled = true;
        await _heartbeat.DisposeAsync();
        if (_charging is null) return;
        try
        {
            await _charging;
        }
        catch (Exception failure) when (failure is OperationCanceledException or StoreUnavailableException)
        {
            // It was not charged, then.
        }
    }

    /// <summary>Counted at the client's end, not at ours: what it has taken, not what we have queued.</summary>
    bool IsTooSlow()
    {
        var taken = Sent - _queue.Waiting;
        _slow = taken - _taken < _slowest ? _slow + 1 : 0;
        _taken = taken;
        return _slow >= SlowBeats;
    }

    async Task Renew()
    {
        try
        {
            if (IsTooSlow())
            {
                await _running.CancelAsync();
                return;
            }

            var isMine = await _tokens.TryRenew(_transfer, Offset, 0, 0, _clock.GetUtcNow(), spend: false);
            if (!isMine && !_settled) await _running.CancelAsync();
        }
        catch (Exception failure) when (failure is StoreUnavailableException or ObjectDisposedException)
        {
            // Tried again at the next beat; the claim of another needs the same store.
        }
    }

    public void Dispose()
    {
        _heartbeat.Dispose();
        _running.Dispose();
    }
}
