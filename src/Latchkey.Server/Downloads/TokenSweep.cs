using Latchkey.Server.Data;

namespace Latchkey.Server.Downloads;

/// <summary>Forgets tokens long after they expired, an hour at a time, so that the database stays small.</summary>
sealed partial class TokenSweep(DownloadTokens tokens, Leases leases, TimeProvider clock, ILogger<TokenSweep> log) : PeriodicService(TimeSpan.FromHours(1), clock, leases)
{
    /// <summary>Until then an expired token is answered as expired (410); afterwards as unknown (404).</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    protected override async Task Do(CancellationToken stopping)
    {
        try
        {
            var (total, swept) = (0, 0);
            do total += swept = await tokens.Sweep(Now - Kept);
            while (swept > 0 && !stopping.IsCancellationRequested);
            if (total > 0) Swept(total);
        }
        catch (Exception failure)
        {
            // There is another hour.
            NotSwept(failure.Message);
            Failed();
        }
    }

    [LoggerMessage(60, LogLevel.Information, "Forgot {Count} download tokens that expired over 30 days ago")]
    partial void Swept(int count);

    [LoggerMessage(61, LogLevel.Warning, "Old download tokens were not swept: {Reason}")]
    partial void NotSwept(string reason);
}
