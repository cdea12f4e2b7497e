using System.Collections.Concurrent;
using Latchkey.Server.Http;

namespace Latchkey.Server.Downloads;

/// <summary>
/// Claims a token for a transfer. Download managers ask for several parts at once, in any order, and after an
/// interruption some of them are holes in the middle: the end, which uses the token up, is served behind those.
/// </summary>
sealed class Claim(DownloadTokens tokens, TimeProvider clock)
{
    /// <summary>That a connection has ended is noticed a moment later; a download manager's next part waits for the one before.</summary>
    static readonly TimeSpan ForResumption = TimeSpan.FromSeconds(2);
    static readonly TimeSpan ForNewStart = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Of each token, how many parts in the middle wait to be served.</summary>
    readonly ConcurrentDictionary<long, int> _holes = new();

    /// <param name="Transfer">Claimed, unless it is refused.</param>
    /// <param name="Refused">Null if it is claimed.</param>
    public readonly record struct Outcome(Transfer Transfer, Refusal? Refused);

    /// <summary>What would pass in a moment, for the claimant, is waited for.</summary>
    /// <param name="token">As it was found.</param>
    /// <param name="transfer">What it is to be claimed for.</param>
    /// <param name="find">Looks again.</param>
    /// <param name="clientGone">Ends the waiting.</param>
    public async Task<Outcome> Try(TokenFacts? token, Transfer transfer, Func<TokenFacts?> find, CancellationToken clientGone)
    {
        var isHole = transfer.Part is { From: > 0, ReachesEnd: false };
        if (!isHole) return await Wait(token, transfer, find, clientGone);
        _holes.AddOrUpdate(transfer.TokenId, 1, static (_, count) => count + 1);
        try
        {
            return await Wait(token, transfer, find, clientGone);
        }
        finally
        {
            if (_holes.AddOrUpdate(transfer.TokenId, 0, static (_, count) => count - 1) == 0) _holes.TryRemove(new(transfer.TokenId, 0));
        }
    }

    async Task<Outcome> Wait(TokenFacts? token, Transfer transfer, Func<TokenFacts?> find, CancellationToken clientGone)
    {
        // The parts that a download manager asks for at once do not come in order.
        var isEnd = transfer.Part is { From: > 0, ReachesEnd: true } && token?.ClaimedBy is not null;
        if (isEnd) await Task.Delay(2 * Pause, TimeProvider.System, clientGone);

        var client = transfer.Client.ToString();
        var patience = transfer.Part.From > 0 ? ForResumption : ForNewStart;
        for (var began = TimeProvider.System.GetTimestamp(); ; token = find())
        {
            var now = clock.GetUtcNow();
            var refusal = TokenVerdict.Judge(token, client, now) ?? TokenVerdict.Judge(token!, transfer.Part);
            if (isEnd && refusal is null && _holes.ContainsKey(transfer.TokenId)) refusal = Wire.DownloadTokenBusy;
            if (refusal is null)
            {
                transfer = transfer with { HighWaterBefore = token!.HighWater, Limit = TokenVerdict.LimitOf(token, transfer.Part) };
                if (await tokens.TryClaim(token, transfer, now)) return new Outcome(transfer, null);

                // Somebody was quicker, or the license has just been suspended: it is looked at again.
                continue;
            }

            var passes = refusal == Wire.DownloadTokenBusy || refusal == Wire.DownloadTokenNotThere;
            if (!passes || TimeProvider.System.GetElapsedTime(began) >= patience) return new Outcome(transfer, refusal);
            await Task.Delay(Pause, TimeProvider.System, clientGone);
        }
    }
}
