namespace Latchkey.Bench;

/// <summary>The table of contents: every row, with what it has to reach.</summary>
static class Rows
{
    const string Bare = "bare Kestrel, the same JSON from memory";
    const string Nginx = "nginx with sendfile";

    public static IReadOnlyList<Row> All(BenchOptions options) =>
    [
        new("verify", $"verify, {options.Licenses:N0} licenses, random keys", Bare, 0.50, 0.75, "", VerifyRows.AgainstBare),
        new("verify-scale", "verify at 10,000,000 licenses", "itself at 10,000", 0.85, 0.95, "", VerifyRows.Scale) { OnlyIfNamed = true },
        new("mint-bare", "mint a token, durable", Bare + ", POST", 0.15, 0.30, "", MintRows.AgainstBare),
        new("mint-commit", "mint a token, durable, over HTTP", "one commit per row, synchronous=FULL", 2.0, 4.0, "", MintRows.AgainstCommitPerRow),
        new("download-100mb", "download of 100 MB, 8 clients", Nginx, 0.95, 1.1, "", DownloadRows.Large),
        new("download-64kb", "download of 64 KB incl. claim, 32 clients, a token each", Nginx, 0.20, 0.45, "", DownloadRows.Small),
        new("download-beside", "p99 of verify, 500/s, beside 100 downloads of mixed speed", "itself without them", 1.5, 1.2, "", BesideRow.Measure) { IsLessBetter = true },
        new("memory-idle", "resident memory, idle, empty", "–", 120, 80, "MB", MemoryRows.Idle),
        new("memory-load", $"peak memory, {options.Licenses:N0} licenses, verify load", "–", 250, 150, "MB", MemoryRows.UnderLoad),
        new("memory-downloads", "peak memory, 100 downloads of 1 GB at once, mixed speed", "–", 250, 150, "MB", MemoryRows.Downloads),
        Timing("timing-key", "verify: a key one character off a known one", "a random key, both 401", TimingRows.Keys),
        Timing("timing-malformed", "verify: a malformed key", "a random key, both 401", TimingRows.Malformed),
        Timing("timing-token", "download: a token one character off a claimed one", "a random token, both 404", TimingRows.ClaimedToken),
        new("postgresql-verify", $"verify, {options.Licenses:N0} licenses, random keys, 64 clients", "`pgbench -S -M prepared`, 64 clients", 0.70, 0.90, "", PostgreSqlRows.Verify) { IsEmbedded = false },
        new("postgresql-mint", "mint a token, durable, over HTTP, 64 clients", "`pgbench`: a row by its key, a row written, 64 clients", 0.70, 0.90, "", PostgreSqlRows.Mint) { IsEmbedded = false },
        new("postgresql-claim", "download of 64 KB incl. claim, 32 clients, a token each", "`pgbench`: a row by its key, the same changed, 32 clients", 0.70, 0.90, "", PostgreSqlRows.Claim) { IsEmbedded = false },
        new("postgresql-nodes", "verify, two nodes behind nginx", "one node behind the same nginx", 0.80, 1.0, "", PostgreSqlRows.Nodes) { IsEmbedded = false },
        new("start", $"start to first 200, {options.Licenses:N0} licenses", "–", 1.5, 0.4, "s", StartRow.Measure),
    ];

    /// <summary>The figure is Welch's |t|; a quiet machine is needed, and nobody else's load.</summary>
    static Row Timing(string name, string what, string against, Func<Stage, CancellationToken, Task<Measured>> measure) =>
        new(name, what + ": |t| of the times", against, TimingRows.Bar, TimingRows.Bar, "", measure) { IsLessBetter = true };
}
