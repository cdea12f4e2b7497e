using System.Security.Cryptography;
using System.Text;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;

namespace Latchkey.Server.Downloads;

/// <summary>A token, its file, and what its license and its release are now.</summary>
sealed record TokenFacts(
    long Id, long LicenseId, LicenseState LicenseState, DateTimeOffset? LicenseExpiresAt, DateTimeOffset ExpiresAt,
    string? ClaimedBy, DateTimeOffset? LeaseUntil, long HighWater, long BytesServed, DateTimeOffset? SpentAt, int Attempts,
    bool IsRevoked, bool IsDelegated, bool IsYanked, string ProductName, string Version, Artifact File)
{
    /// <summary>What may still be served, by a transfer that begins now.</summary>
    public long Budget => DownloadTokens.Bound(File.Size, Attempts) - BytesServed;
}

/// <summary>
/// The once rule. Every change is one conditional statement whose row count decides, so that it holds
/// over any number of clients and processes.
/// </summary>
sealed class DownloadTokens(Database database, WriteQueue writes) : IDisposable
{
    /// <summary>How long a transfer counts as running after it last said so.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>One that runs for longer was written by a clock that was wrong, and holds nobody up: its transfer, if it runs, says so anew, or is taken over.</summary>
    public static readonly TimeSpan LongestLease = 2 * Lease;

    /// <summary>Transfers for one token, the first included.</summary>
    public const int MaxAttempts = 250;

    /// <summary>So many bytes are written down before they leave; a crash in between costs the token these, and half as many that were being written down.</summary>
    public const long Step = 16 << 20;

    // Ten minutes and more.
    const int MostTries = 1200;
    static readonly TimeSpan TryEvery = TimeSpan.FromMilliseconds(500);

    /// <summary>What lies in buffers between us and a client whose line breaks, and is served again.</summary>
    const long LostPerResumption = 16 << 20;

    const string FindSql = """
        SELECT t.id, t.license_id, l.state, l.expires_at, t.expires_at, t.claimed_by, t.lease_until, t.high_water, t.bytes_served,
               t.spent_at, t.attempts, t.revoked_at, t.delegated_at, r.state, p.name, r.version, r.id,
               a.id, a.product_id, a.file_name, a.content_type, a.size, a.sha256, a.blob_id, a.kind, a.beside_id, a.platform, a.arch
        FROM download_tokens t JOIN licenses l ON l.id = t.license_id JOIN artifacts a ON a.id = t.artifact_id
        JOIN releases r ON r.id = a.release_id JOIN products p ON p.id = a.product_id
        WHERE t.hash = $1
        """;

    const string MintSql = """
        INSERT INTO download_tokens (hash, license_id, artifact_id, created_at, expires_at, bytes_sent, high_water, bytes_served, attempts)
        VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0)
        """;

    // The number of attempts is the one that was looked at: what was decided by it still holds.
    static string ClaimSql(Dialect dialect) => $"""
        UPDATE download_tokens
        SET claimed_by = $2, claimed_at = coalesce(claimed_at, $3), transfer = $4, lease_until = $5, spent_at = $6, attempts = attempts + 1,
            high_water = {dialect.Greatest}(high_water, $7), bytes_served = bytes_served + $8, bytes_sent = {dialect.Greatest}(bytes_sent, $9), delegated_at = coalesce($10, delegated_at)
        WHERE id = $1 AND spent_at IS NULL AND revoked_at IS NULL AND expires_at > $3 AND attempts = $11
          AND (claimed_by IS NULL OR (claimed_by = $2 AND (lease_until IS NULL OR lease_until <= $3 OR lease_until > $12)))
          AND EXISTS (SELECT 1 FROM licenses l WHERE l.id = license_id AND l.state = 0 AND (l.expires_at IS NULL OR l.expires_at > $3))
          AND EXISTS (SELECT 1 FROM artifacts a JOIN releases r ON r.id = a.release_id WHERE a.id = artifact_id AND r.state = 1)
        """;

    static string RenewSql(Dialect dialect) => $"""
        UPDATE download_tokens
        SET lease_until = $3, bytes_sent = {dialect.Greatest}(bytes_sent, $4), high_water = {dialect.Greatest}(high_water, $5), bytes_served = bytes_served + $6, spent_at = $7
        WHERE id = $1 AND transfer = $2 AND (spent_at IS NULL OR spent_at = $7) AND revoked_at IS NULL
        """;

    static string FinishedSql(Dialect dialect) => $"""
        UPDATE download_tokens SET transfer = NULL, lease_until = NULL, bytes_sent = {dialect.Greatest}(bytes_sent, $3)
        WHERE id = $1 AND transfer = $2
        """;

    static string InterruptedSql(Dialect dialect) => $"""
        UPDATE download_tokens
        SET transfer = NULL, lease_until = NULL, spent_at = NULL, bytes_sent = {dialect.Greatest}(bytes_sent, $3), high_water = $4, bytes_served = bytes_served - $5
        WHERE id = $1 AND transfer = $2
        """;

    // As if it had never been claimed; and where the claim is yet to arrive, it finds another number of attempts than it looks for.
    const string UndoSql = """
        UPDATE download_tokens
        SET claimed_by = CASE WHEN $3 = 1 THEN NULL ELSE claimed_by END, claimed_at = CASE WHEN $3 = 1 THEN NULL ELSE claimed_at END,
            transfer = NULL, lease_until = NULL, spent_at = NULL, high_water = $4, bytes_served = bytes_served - $5
        WHERE id = $1 AND transfer = $2
        """;

    // The same for one that left the sending to others, and has no name: none but it made the next attempt after the one that was looked at.
    const string UndoDelegatedSql = """
        UPDATE download_tokens
        SET claimed_by = CASE WHEN $3 = 1 THEN NULL ELSE claimed_by END, claimed_at = CASE WHEN $3 = 1 THEN NULL ELSE claimed_at END,
            spent_at = NULL, high_water = $4, bytes_sent = $4, bytes_served = bytes_served - $5, delegated_at = CASE WHEN $6 = 1 THEN delegated_at ELSE NULL END
        WHERE id = $1 AND attempts = $2 + 1 AND claimed_by = $7 AND delegated_at = $8
        """;

    const string ForestallSql = "UPDATE download_tokens SET attempts = attempts + 1 WHERE id = $1 AND attempts = $2";

    const string SweepSql = """
        DELETE FROM download_tokens WHERE id IN
        (SELECT id FROM download_tokens WHERE expires_at < $1 AND (lease_until IS NULL OR lease_until < $1) LIMIT 1000)
        """;

    readonly Lookup _byHash = database.Prepare(FindSql, LookupKey.Bytes);
    readonly string _claimSql = ClaimSql(database.Dialect);
    readonly string _renewSql = RenewSql(database.Dialect);
    readonly string _finishedSql = FinishedSql(database.Dialect);
    readonly string _interruptedSql = InterruptedSql(database.Dialect);
    volatile bool _isDisposed;

    /// <summary>Bytes that one token is worth, over all of its transfers.</summary>
    /// <param name="size">Of the file.</param>
    /// <param name="resumptions">Transfers after the first.</param>
    public static long Bound(long size, int resumptions) => size + (size / 2) + (resumptions * LostPerResumption);

    public ValueTask<TokenFacts?> Find(string token) => _byHash.Read(
        HashOf(token), static row => new TokenFacts(
            row.Long(0), row.Long(1), (LicenseState)row.Long(2), row.TimeOrNull(3), row.Time(4),
            row.TextOrNull(5), row.TimeOrNull(6), row.Long(7), row.Long(8), row.TimeOrNull(9), (int)row.Long(10), !row.IsNull(11), !row.IsNull(12),
            (ReleaseState)row.Long(13) == ReleaseState.Yanked, row.Text(14), row.Text(15), ReleaseLookup.ReadArtifact(row, row.Long(16), 17)));

    public static (string Token, byte[] Hash) New()
    {
        var token = RandomNumberGenerator.GetHexString(64, lowercase: true);
        return (token, HashOf(token));
    }

    /// <returns>The token: 64 characters of <c>0-9a-f</c>, 256 random bits, on disk (as its hash) when this returns.</returns>
    public async Task<string> Mint(long license, long artifact, DateTimeOffset now, DateTimeOffset expires)
    {
        var (token, hash) = New();
        await writes.Run(MintSql, hash, license, artifact, UnixMicroseconds.From(now), UnixMicroseconds.From(expires));
        return token;
    }

    /// <summary>Claims the token, or claims it again after an interruption, for one transfer by one client.</summary>
    /// <param name="token">As it was found, and judged.</param>
    /// <param name="transfer">What begins now, and for whom.</param>
    /// <param name="now">The time of the request.</param>
    public async Task<bool> TryClaim(TokenFacts token, Transfer transfer, DateTimeOffset now)
    {
        var at = UnixMicroseconds.From(now);
        var lease = UnixMicroseconds.From(now + Lease);
        var (client, charge) = (transfer.Client.ToString(), transfer.FirstCharge);
        var claim = new Statement(
            _claimSql, token.Id, client, at, transfer.IsDelegated ? Null.Text : transfer.Name, transfer.IsDelegated ? Null.Number : lease, transfer.SpentByClaim ? at : Null.Number,
            transfer.Part.From + charge, charge, transfer.IsDelegated ? transfer.Part.From + charge : 0L, transfer.IsDelegated ? at : Null.Number, token.Attempts,
            UnixMicroseconds.From(now + LongestLease));
        var isFirst = token.ClaimedBy is null ? 1L : 0L;
        return await OrElse(claim,
        [
            transfer.IsDelegated
                ? new(UndoDelegatedSql, token.Id, token.Attempts, isFirst, token.HighWater, charge, token.IsDelegated ? 1L : 0L, client, at)
                : new(UndoSql, token.Id, transfer.Name, isFirst, token.HighWater, charge),
            new(ForestallSql, token.Id, token.Attempts),
        ]);
    }

    /// <summary>
    /// Where the database did not answer, nobody can say whether it was written, or will be. The client is told that it was not: what makes
    /// that true is written as soon as it can be.
    /// </summary>
    async Task<bool> OrElse(Statement statement, IReadOnlyList<Statement> remedy)
    {
        try
        {
            return (await writes.Run([statement]))[0] == 1;
        }
        catch (StoreUnavailableException) when (!database.IsEmbedded)
        {
            _ = Settle(remedy);
            throw;
        }
    }

    async Task Settle(IReadOnlyList<Statement> remedy)
    {
        Patience.End();
        for (var tries = 0; tries < MostTries && !_isDisposed; tries++)
        {
            try
            {
                await writes.Run(remedy);
                return;
            }
            catch (StoreUnavailableException)
            {
                await Task.Delay(TryEvery, TimeProvider.System);
            }
        }
    }

    /// <summary>Says that the transfer still runs.</summary>
    /// <param name="transfer">Which.</param>
    /// <param name="sent">How far into the file it has come.</param>
    /// <param name="highWater">How far it may come before it says so again.</param>
    /// <param name="charge">Bytes that were not charged before.</param>
    /// <param name="now">The time.</param>
    /// <param name="spend">The last byte is next.</param>
    /// <returns>False if the token is no longer this transfer's.</returns>
    public async Task<bool> TryRenew(Transfer transfer, long sent, long highWater, long charge, DateTimeOffset now, bool spend) => await writes.Run(
        _renewSql, transfer.TokenId, transfer.Name, UnixMicroseconds.From(now + Lease), sent, highWater, charge, spend ? UnixMicroseconds.From(now) : Null.Number) == 1;

    public async Task<bool> Finished(Transfer transfer, long sent) => await writes.Run(_finishedSql, transfer.TokenId, transfer.Name, sent) == 1;

    /// <summary>The client went away before the last byte: it alone may come back.</summary>
    /// <param name="transfer">Which.</param>
    /// <param name="sent">How far into the file it came.</param>
    /// <param name="unused">Bytes that were charged, and did not leave.</param>
    public Task<bool> Interrupted(Transfer transfer, long sent, long unused)
    {
        var interrupted = new Statement(_interruptedSql, transfer.TokenId, transfer.Name, sent, Math.Max(sent, transfer.HighWaterBefore), unused);
        return OrElse(interrupted, [interrupted]);
    }

    /// <summary>Forgets up to a thousand tokens that expired before <paramref name="before"/>.</summary>
    public Task<int> Sweep(DateTimeOffset before) => writes.Run(SweepSql, UnixMicroseconds.From(before));

    static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    public void Dispose()
    {
        _isDisposed = true;
        _byHash.Dispose();
    }
}
