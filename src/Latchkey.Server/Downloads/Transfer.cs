using Latchkey.Server.RateLimits;

namespace Latchkey.Server.Downloads;

/// <summary>One answer's way through a file.</summary>
/// <param name="TokenId">Whose.</param>
/// <param name="LicenseId">Of the token.</param>
/// <param name="ProductId">Of the file.</param>
/// <param name="BlobId">Of the file.</param>
/// <param name="Client">The claimant.</param>
/// <param name="Name">Random: tells it from the token's other transfers.</param>
/// <param name="Part">Of the file.</param>
/// <param name="HighWaterBefore">How far earlier transfers came.</param>
/// <param name="Limit">Bytes that it may serve; less than the part's only where it is not meant to reach its end.</param>
/// <param name="IsDelegated">Others send the bytes: the web server in front, or the store.</param>
sealed record Transfer(
    long TokenId, long LicenseId, long ProductId, string BlobId, ClientAddress Client, string Name, ByteRange Part, long HighWaterBefore, long Limit, bool IsDelegated)
{
    /// <summary>It fits into one socket buffer, and is handed over in one go: the claim itself spends the token.</summary>
    public bool SpentByClaim => !IsDelegated && Part.ReachesEnd && Part.Length <= FileTransfer.OneGo;

    /// <summary>How much of it waits until the token is spent: all, the last piece, or nothing where the end is not in it.</summary>
    public int Last => SpentByClaim ? (int)Part.Length : Part.ReachesEnd ? FileTransfer.Tail : 0;

    /// <summary>Bytes charged by the claim.</summary>
    public long FirstCharge => IsDelegated ? Part.Length : Math.Min(Limit, DownloadTokens.Step);
}
