using Latchkey.Server.Data;

namespace Latchkey.Server.Downloads;

/// <summary>
/// How far a transfer has come, and its hold on the token: renewed every ten seconds for as long as the
/// transfer runs, however slowly its client reads; lost, and the transfer with it, if another took over.
/// </summary>
sealed class TransferLease : IDisposable
{
    static readonly TimeSpan RenewEvery = DownloadTokens.Lease / 3;

    readonly DownloadTokens _tokens;
    readonly Transfer _transfer;
    readonly TimeProvider _clock;
    readonly CancellationTokenSource _running;
    readonly ITimer _heartbeat;
    long _sent;
    volatile bool _stopped;

    public TransferLease(DownloadTokens tokens, Transfer transfer, TimeProvider clock, CancellationToken clientGone)
    {
        (_tokens, _transfer, _clock) = (tokens, transfer, clock);
        _running = CancellationTokenSource.CreateLinkedTokenSource(clientGone);
        var every = transfer.SpentByClaim ? Timeout.InfiniteTimeSpan : RenewEvery;
        _heartbeat = clock.CreateTimer(lease => _ = ((TransferLease)lease!).Renew(), this, every, every);
    }

    /// <summary>Cancelled when the client is gone or the lease lost.</summary>
    public CancellationToken Running => _running.Token;

    public long Sent => Volatile.Read(ref _sent);
    public long Left => _transfer.Part.Length - Sent;
    public long Offset => _transfer.Part.From + Sent;

    public void Advance(int bytes) => Volatile.Write(ref _sent, _sent + bytes);

    /// <summary>The last byte is next.</summary>
    public async Task Spend()
    {
        var isMine = await _tokens.TryRenew(_transfer.TokenId, _transfer.Name, Offset, _clock.GetUtcNow(), spend: true);
        if (!isMine) throw new OperationCanceledException("another transfer has taken over");
    }

    public void Stop()
    {
        _stopped = true;
        _heartbeat.Dispose();
    }

    async Task Renew()
    {
        try
        {
            var isMine = await _tokens.TryRenew(_transfer.TokenId, _transfer.Name, Offset, _clock.GetUtcNow(), spend: false);
            if (!isMine && !_stopped) await _running.CancelAsync();
        }
        catch (Exception failure) when (failure is StoreUnavailableException or ObjectDisposedException)
        {
            // Tried again at the next beat; the claim of another needs the same store.
        }
    }

    public void Dispose()
    {
        Stop();
        _running.Dispose();
    }
}
