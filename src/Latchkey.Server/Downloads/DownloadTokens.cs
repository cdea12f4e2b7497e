using System.Security.Cryptography;
using System.Text;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using SQLitePCL;

namespace Latchkey.Server.Downloads;

/// <summary>A token, its file, and what its license says now.</summary>
sealed record TokenFacts(
    long Id, long LicenseId, LicenseState LicenseState, DateTimeOffset? LicenseExpiresAt, DateTimeOffset ExpiresAt,
    string? ClaimedBy, DateTimeOffset? LeaseUntil, long BytesSent, DateTimeOffset? SpentAt, int Attempts, bool IsRevoked, Artifact File);

/// <summary>
/// The once rule. Every change is one conditional statement whose row count decides, so that it holds
/// over any number of clients and processes.
/// </summary>
sealed class DownloadTokens(SqliteDatabase database, WriteQueue writes) : IDisposable
{
    /// <summary>How long a transfer counts as running after it last said so.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>Transfers for one token, the first included.</summary>
    public const int MaxAttempts = 100;

    const string FindSql = """
        SELECT t.id, t.license_id, l.state, l.expires_at, t.expires_at, t.claimed_by, t.lease_until, t.bytes_sent,
               t.spent_at, t.attempts, t.revoked_at, a.id, a.product_id, a.version, a.file_name, a.content_type, a.size, a.sha256, a.blob_id, a.published_at
        FROM download_tokens t JOIN licenses l ON l.id = t.license_id JOIN artifacts a ON a.id = t.artifact_id
        WHERE t.hash = ?1
        """;

    const string NewestSql = """
        SELECT id, product_id, version, file_name, content_type, size, sha256, blob_id, published_at
        FROM artifacts WHERE product_id = ?1 ORDER BY id DESC LIMIT 1
        """;

    const string MintSql = """
        INSERT INTO download_tokens (hash, license_id, artifact_id, created_at, expires_at, bytes_sent, attempts)
        VALUES ($1, $2, $3, $4, $5, 0, 0)
        """;

    static readonly string ClaimSql = $"""
        UPDATE download_tokens
        SET claimed_by = $2, claimed_at = coalesce(claimed_at, $3), transfer = $4, lease_until = $5, spent_at = $6, attempts = attempts + 1
        WHERE id = $1 AND spent_at IS NULL AND revoked_at IS NULL AND expires_at > $3 AND attempts < {MaxAttempts}
          AND (claimed_by IS NULL OR (claimed_by = $2 AND (lease_until IS NULL OR lease_until <= $3)))
          AND EXISTS (SELECT 1 FROM licenses l WHERE l.id = license_id AND l.state = 0 AND (l.expires_at IS NULL OR l.expires_at > $3))
        """;

    const string RenewSql = """
        UPDATE download_tokens SET lease_until = $3, bytes_sent = max(bytes_sent, $4), spent_at = $5
        WHERE id = $1 AND transfer = $2 AND spent_at IS NULL AND revoked_at IS NULL
        """;

    const string FinishedSql = """
        UPDATE download_tokens SET transfer = NULL, lease_until = NULL, bytes_sent = $3
        WHERE id = $1 AND transfer = $2
        """;

    const string InterruptedSql = """
        UPDATE download_tokens SET transfer = NULL, lease_until = NULL, spent_at = NULL, bytes_sent = max(bytes_sent, $3)
        WHERE id = $1 AND transfer = $2
        """;

    const string SweepSql = """
        DELETE FROM download_tokens WHERE id IN
        (SELECT id FROM download_tokens WHERE expires_at < $1 AND (lease_until IS NULL OR lease_until < $1) LIMIT 1000)
        """;

    readonly ReaderPool _byHash = new(database, FindSql);
    readonly ReaderPool _newest = new(database, NewestSql);

    public TokenFacts? Find(string token) => _byHash.Read<byte[], TokenFacts>(
        HashOf(token), static (statement, hash) => raw.sqlite3_bind_blob(statement, 1, hash), static row => new TokenFacts(
            row.Long(0), row.Long(1), (LicenseState)row.Long(2), row.TimeOrNull(3), row.Time(4),
            row.TextOrNull(5), row.TimeOrNull(6), row.Long(7), row.TimeOrNull(8), (int)row.Long(9), !row.IsNull(10), ReadArtifact(row, 11)));

    /// <summary>The product's download: the file published last, or null.</summary>
    public Artifact? Newest(long product) => _newest.Read<long, Artifact>(
        product, static (statement, id) => raw.sqlite3_bind_int64(statement, 1, id), static row => ReadArtifact(row, 0));

    static Artifact ReadArtifact(Rows row, int at) => new()
    {
        Id = row.Long(at),
        ProductId = row.Long(at + 1),
        Version = row.TextOrNull(at + 2),
        FileName = row.Text(at + 3),
        ContentType = row.Text(at + 4),
        Size = row.Long(at + 5),
        Sha256 = row.Bytes(at + 6),
        BlobId = row.Text(at + 7),
        PublishedAt = row.Time(at + 8),
    };

    public static (string Token, byte[] Hash) New()
    {
        var token = RandomNumberGenerator.GetHexString(64, lowercase: true);
        return (token, HashOf(token));
    }

    /// <returns>The token: 64 characters of <c>0-9a-f</c>, 256 random bits, on disk (as its hash) when this returns.</returns>
    public async Task<string> Mint(long license, long artifact, DateTimeOffset now, DateTimeOffset expires)
    {
        var (token, hash) = New();
        await writes.Run(session => session.Execute(
            MintSql, hash, license, artifact, UnixMicroseconds.From(now), UnixMicroseconds.From(expires)));
        return token;
    }

    /// <summary>Claims the token, or claims it again after an interruption, for one transfer by one client.</summary>
    /// <param name="token">As found.</param>
    /// <param name="client">Who may have the file from now on.</param>
    /// <param name="transfer">Names this transfer.</param>
    /// <param name="now">The time of the request.</param>
    /// <param name="spend">The first write of this transfer hands over the last byte too: spend in the same step.</param>
    public Task<bool> TryClaim(TokenFacts token, string client, string transfer, DateTimeOffset now, bool spend)
    {
        var at = UnixMicroseconds.From(now);
        var lease = UnixMicroseconds.From(now + Lease);
        return writes.Run(session => session.Execute(ClaimSql, token.Id, client, at, transfer, lease, spend ? at : null) == 1);
    }

    /// <summary>Says that the transfer still runs; with <paramref name="spend"/>, that its last byte is next.</summary>
    /// <returns>False if the token is no longer this transfer's.</returns>
    public Task<bool> TryRenew(long id, string transfer, long sent, DateTimeOffset now, bool spend) =>
        writes.Run(session => session.Execute(
            RenewSql, id, transfer, UnixMicroseconds.From(now + Lease), sent, spend ? UnixMicroseconds.From(now) : null) == 1);

    public Task<bool> Finished(long id, string transfer, long sent) =>
        writes.Run(session => session.Execute(FinishedSql, id, transfer, sent) == 1);

    /// <summary>The client went away before the last byte: it alone may come back.</summary>
    public Task<bool> Interrupted(long id, string transfer, long sent) =>
        writes.Run(session => session.Execute(InterruptedSql, id, transfer, sent) == 1);

    /// <summary>Forgets up to a thousand tokens that expired before <paramref name="before"/>.</summary>
    public Task<int> Sweep(DateTimeOffset before) =>
        writes.Run(session => session.Execute(SweepSql, UnixMicroseconds.From(before)));

    static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    public void Dispose()
    {
        _byHash.Dispose();
        _newest.Dispose();
    }
}
