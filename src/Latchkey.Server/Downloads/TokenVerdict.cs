using Latchkey.Server.Http;
using Latchkey.Server.Licenses;

namespace Latchkey.Server.Downloads;

/// <summary>May this client have the file now? The same rule as the claim's own statement, for the answer's words.</summary>
static class TokenVerdict
{
    /// <returns>Null if it may.</returns>
    public static Refusal? Judge(TokenFacts? token, string client, DateTimeOffset now)
    {
        if (token is null) return Wire.InvalidDownloadToken;
        if (token.SpentAt is not null) return Wire.DownloadTokenSpent;
        if (token.IsRevoked) return Wire.DownloadTokenRevoked;
        if (token.IsYanked) return Wire.DownloadTokenOfYankedRelease;
        if (token.Attempts >= DownloadTokens.MaxAttempts) return Wire.DownloadTokenWorn;
        if (token.ExpiresAt <= now) return Wire.DownloadTokenExpired;
        if (token.LicenseState != LicenseState.Active || token.LicenseExpiresAt <= now) return Wire.DownloadTokenOfDeadLicense;
        if (token.ClaimedBy is not null && token.ClaimedBy != client) return Wire.DownloadTokenOfAnother;
        return token.LeaseUntil > now && token.LeaseUntil <= now + DownloadTokens.LongestLease ? Wire.DownloadTokenBusy : null;
    }

    /// <summary>May it have this part of the file?</summary>
    /// <param name="token">Judged before.</param>
    /// <param name="part">Of its file.</param>
    /// <param name="isDelegated">Others send it, whom nobody stops where the bytes end.</param>
    /// <returns>Null if it may.</returns>
    public static Refusal? Judge(TokenFacts token, ByteRange part, bool isDelegated)
    {
        // Who leaves the sending to others does not know how far they came: from the start once, in the middle for as long as the budget lasts.
        if (token.IsDelegated && part.From == 0) return Wire.DownloadTokenSpent;
        if (token.ClaimedBy is not null && part.From > token.HighWater) return Wire.DownloadTokenNotThere;
        return part.Length > token.Budget && (part.From > 0 || isDelegated) ? Wire.DownloadTokenOverBudget : null;
    }

    /// <summary>
    /// Bytes that a transfer may serve. From the start again, where the whole file would be too much, it is a look
    /// alone: some download managers ask so first, break it off themselves, and then go on where they were.
    /// </summary>
    public static long LimitOf(TokenFacts token, ByteRange part) => part.Length > token.Budget ? Math.Min(DownloadTokens.Step, Math.Max(0, token.Budget)) : part.Length;
}
