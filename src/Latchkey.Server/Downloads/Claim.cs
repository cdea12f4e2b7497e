using Latchkey.Server.Http;

namespace Latchkey.Server.Downloads;

/// <summary>Claims a token for a transfer.</summary>
sealed class Claim(DownloadTokens tokens, TimeProvider clock)
{
    /// <summary>That a connection has ended is noticed a moment later; a download manager's next part waits for the one before.</summary>
    static readonly TimeSpan ForResumption = TimeSpan.FromSeconds(2);
    static readonly TimeSpan ForNewStart = TimeSpan.FromMilliseconds(500);
    static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

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
        var client = transfer.Client.ToString();
        var patience = transfer.Part.From > 0 ? ForResumption : ForNewStart;
        for (var began = TimeProvider.System.GetTimestamp(); ; token = find())
        {
            var now = clock.GetUtcNow();
            var refusal = TokenVerdict.Judge(token, client, now) ?? TokenVerdict.Judge(token!, transfer.Part);
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
