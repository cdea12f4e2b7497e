using System.Collections.Concurrent;
using Latchkey.Server.Data;
using Latchkey.Server.Http;

namespace Latchkey.Server.Downloads;

/// <summary>
/// Claims a token for a transfer. Download managers ask for several parts at once, in any order, and after an
/// interruption some of them are holes in the middle: the end, which uses the token up, is served behind those.
/// </summary>
sealed class Claim(TimeProvider clock)
{
    /// <summary>That a connection has ended is noticed a moment later; a download manager's next part waits for the one before.</summary>
    static readonly TimeSpan ForResumption = TimeSpan.FromSeconds(2);
    static readonly TimeSpan ForNewStart = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>In this time a part that broke off is asked for again; shorter than the end waits.</summary>
    static readonly TimeSpan AfterBreak = TimeSpan.FromSeconds(1.5);

    /// <summary>Requests that wait for one token: what a download manager opens, and a little more.</summary>
    const int MostWaiting = 16;

    readonly Tally _waiting = new();
    readonly Tally _holes = new();

    /// <summary>Tokens that are remembered: those that somebody waits for, or whose middle is being claimed, or has just broken off.</summary>
    public int Remembered => _waiting.Remembered + _holes.Remembered;

    /// <param name="Transfer">Claimed, unless it is refused.</param>
    /// <param name="Refused">Null if it is claimed.</param>
    public readonly record struct Outcome(Transfer Transfer, Refusal? Refused);

    /// <summary>What would pass in a moment, for the claimant, is waited for, the request's other waits included; nothing is held meanwhile.</summary>
    /// <param name="token">As it was found.</param>
    /// <param name="transfer">What it is to be claimed for.</param>
    /// <param name="find">Looks again.</param>
    /// <param name="take">Claims it with <see cref="DownloadTokens.TryClaim"/>; null if somebody was quicker.</param>
    /// <param name="clientGone">Ends the waiting.</param>
    public async Task<Outcome> Try(
        TokenFacts? token, Transfer transfer, Func<ValueTask<TokenFacts?>> find, Func<TokenFacts, Transfer, DateTimeOffset, Task<Outcome?>> take, CancellationToken clientGone)
    {
        using var hole = transfer.Part is { From: > 0, ReachesEnd: false } ? _holes.Enter(transfer.TokenId) : null;

        // The parts that a download manager asks for at once do not come in order.
        var isEnd = transfer.Part is { From: > 0, ReachesEnd: true } && token?.ClaimedBy is not null;
        if (isEnd) await Task.Delay(2 * Pause, TimeProvider.System, clientGone);

        Tally.Place? place = null;
        try
        {
            var client = transfer.Client.ToString();
            var patience = transfer.Part.From > 0 ? ForResumption : ForNewStart;
            for (var began = Patience.Began; ; token = await find())
            {
                var now = clock.GetUtcNow();
                var refusal = TokenVerdict.Judge(token, client, now) ?? TokenVerdict.Judge(token!, transfer.Part, transfer.IsDelegated);
                if (isEnd && refusal is null && _holes.Count(transfer.TokenId) > 0) refusal = Wire.DownloadTokenBusy;
                if (refusal is null)
                {
                    transfer = transfer with { HighWaterBefore = token!.HighWater, Limit = TokenVerdict.LimitOf(token, transfer.Part) };
                    if (await take(token, transfer, now) is { } outcome) return outcome;

                    // Somebody was quicker, or the license has just been suspended: it is looked at again.
                    continue;
                }

                var passes = refusal == Wire.DownloadTokenBusy || refusal == Wire.DownloadTokenNotThere;
                if (!passes || TimeProvider.System.GetElapsedTime(began) >= patience) return new Outcome(transfer, refusal);
                place ??= _waiting.Enter(transfer.TokenId);
                if (place.Number > MostWaiting) return new Outcome(transfer, refusal);
                await Task.Delay(Pause, TimeProvider.System, clientGone);
            }
        }
        finally
        {
            place?.Dispose();
        }
    }

    /// <summary>A part in the middle has not arrived, and is a hole still: the end waits for it a moment longer.</summary>
    public void BrokenOff(Transfer transfer)
    {
        if (!transfer.Part.ReachesEnd) _ = Hold(_holes.Enter(transfer.TokenId));
    }

    static async Task Hold(Tally.Place hole)
    {
        using (hole) await Task.Delay(AfterBreak, TimeProvider.System);
    }

    /// <summary>How many there are, of each token.</summary>
    sealed class Tally
    {
        readonly ConcurrentDictionary<long, int> _counts = new();

        public int Remembered => _counts.Count;

        public int Count(long token) => _counts.GetValueOrDefault(token);

        public Place Enter(long token) => new(this, token, _counts.AddOrUpdate(token, 1, static (_, count) => count + 1));

        void Leave(long token)
        {
            if (_counts.AddOrUpdate(token, 0, static (_, count) => count - 1) == 0) _counts.TryRemove(new(token, 0));
        }

        public sealed record Place(Tally Tally, long Token, int Number) : IDisposable
        {
            public void Dispose() => Tally.Leave(Token);
        }
    }
}
