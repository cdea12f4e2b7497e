using System.Security.Cryptography;

namespace Latchkey.Server.Data;

/// <summary>Who does what runs beside the requests, and until when it is theirs.</summary>
sealed class Lease
{
    /// <summary>Of the work.</summary>
    public required string Name { get; set; }

    /// <summary>A node, by the random name of its process.</summary>
    public required string Holder { get; set; }

    public DateTimeOffset Until { get; set; }
}

/// <summary>
/// Work that one node does for all. Whoever holds the lease goes on doing it; when its node dies another takes it up after the
/// lease has run out. The work itself does no harm if two do it at once, as when clocks are apart.
/// </summary>
sealed class Leases(WriteQueue writes)
{
    const string TakeSql = """
        INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE leases.holder = excluded.holder OR leases.until <= $4 OR leases.until > $5
        """;

    const string GiveBackSql = "DELETE FROM leases WHERE name = $1 AND holder = $2";

    readonly string _holder = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>One statement, whose row count decides. A lease that runs for longer than any is given was taken by a clock that was wrong.</summary>
    /// <exception cref="StoreUnavailableException">Nobody can say; it is not ours, then.</exception>
    public async Task<bool> TryTake(string name, DateTimeOffset now, TimeSpan duration) =>
        await writes.Run(TakeSql, name, _holder, UnixMicroseconds.From(now + duration), UnixMicroseconds.From(now), UnixMicroseconds.From(now + (2 * duration))) == 1;

    /// <summary>Nothing, if it is another's.</summary>
    public Task<int> GiveBack(string name) => writes.Run(GiveBackSql, name, _holder);
}
