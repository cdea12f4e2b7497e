using System.Collections.Concurrent;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.RateLimits;

namespace Latchkey.Server.Licenses;

/// <summary>
/// When, from where, for which domain and with what outcome each license was last asked about:
/// gathered in memory, written every second. No request waits for it; what does not fit is
/// dropped and counted; a crash loses the last second.
/// </summary>
sealed partial class LastSeenBoard(WriteQueue writes, TimeProvider clock, ILogger<LastSeenBoard> log) : BackgroundService
{
    /// <summary>Licenses noted between two writes.</summary>
    const int Capacity = 4096;

    // Few and large: every commit empties the page cache of every reader.
    const int RowsPerWrite = 2048;

    const string Sql = """
        INSERT INTO last_seen (license_id, at, address, domain, outcome)
        SELECT id, $2, $3, $4, $5 FROM licenses WHERE id = $1
        ON CONFLICT (license_id) DO UPDATE SET at = $2, address = $3, domain = $4, outcome = $5
        """;

    ConcurrentDictionary<long, Sighting> _seen = new();
    int _noted;
    long _dropped;

    readonly record struct Sighting(DateTimeOffset At, ClientAddress Address, string Domain, string Outcome);

    public void Note(long license, DateTimeOffset at, ClientAddress address, string domain, Refusal? refused)
    {
        var seen = _seen;
        var sighting = new Sighting(at, address, domain, refused?.Code ?? "OK");
        if (seen.ContainsKey(license)) seen[license] = sighting;
        else if (Volatile.Read(ref _noted) >= Capacity) Interlocked.Increment(ref _dropped);
        else if (seen.TryAdd(license, sighting)) Interlocked.Increment(ref _noted);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await Write();
        }
        catch (OperationCanceledException)
        {
            await Write();
        }
    }

    async Task Write()
    {
        var dropped = Interlocked.Exchange(ref _dropped, 0);
        if (dropped > 0) Dropped(dropped, Capacity);
        if (_seen.IsEmpty) return;
        var seen = Interlocked.Exchange(ref _seen, new());
        Volatile.Write(ref _noted, 0);
        try
        {
            foreach (var part in seen.OrderBy(pair => pair.Key).Chunk(RowsPerWrite)) await writes.Run(session => Write(session, part));
        }
        catch (Exception failure)
        {
            // It may be lost; whatever the reason, the next second is written again.
            NotWritten(failure.Message);
        }
    }

    static int Write(WriteSession session, KeyValuePair<long, Sighting>[] part)
    {
        foreach (var (license, seen) in part)
        {
            session.Execute(Sql, license, UnixMicroseconds.From(seen.At), seen.Address.ToString(), seen.Domain, seen.Outcome);
        }

        return part.Length;
    }

    [LoggerMessage(20, LogLevel.Warning, "Last-seen of {Count} verifications was dropped: more than {Capacity} licenses in a second")]
    partial void Dropped(long count, int capacity);

    [LoggerMessage(21, LogLevel.Error, "Last-seen of the last second was not written: {Reason}")]
    partial void NotWritten(string reason);
}
