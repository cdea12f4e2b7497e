using Latchkey.Server.Data;
using Latchkey.Server.Telemetry;

namespace Latchkey.Server.Activity;

/// <summary>
/// What was asked of this server and what came of it: gathered in memory, written every second. No request
/// waits for it. Counts per hour are never dropped: a write that fails is made up for by the next one.
/// Details that do not fit are dropped, and counted. A crash loses the last second.
/// </summary>
sealed partial class ActivityBoard(WriteQueue writes, TimeProvider clock, ILogger<ActivityBoard> log) : PeriodicService(TimeSpan.FromSeconds(1), clock)
{
    readonly Lock _gate = new();
    Gathered _gathered = new(0);
    long _noted;
    long _dropped;
    long _told;
    volatile bool _isWriting;

    /// <summary>Requests whose details were not kept, since the start.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Details that the next write takes.</summary>
    public int Waiting
    {
        get { lock (_gate) return _gathered.Details.Count; }
    }

    /// <summary>Counts and details are on their way, and may come one after the other.</summary>
    public bool IsWriting => _isWriting;

    /// <summary>A request that was judged.</summary>
    public void Note(in ActivityNote note, long bytes = 0)
    {
        Instruments.Judged(note.Kind, note.Outcome);
        var micros = UnixMicroseconds.From(Now);

        // Else whoever has no license could fill our tables with names of their own.
        var key = new DetailKey(note.Bucket(micros), note.IsOfStranger ? note with { Domain = "" } : note);
        lock (_gate)
        {
            _gathered.Count(new HourKey(micros - (micros % ActivityTime.Hour), note.Product, note.Kind, note.Outcome), new HourSum(1, bytes));
            if (!_gathered.TryAdd(key, new DetailSum(micros, micros, 1, ++_noted))) _dropped++;
        }
    }

    /// <summary>A request that was refused before anything was known of it: it has no details.</summary>
    public void Count(ActivityKind kind, string outcome)
    {
        Instruments.Judged(kind, outcome);
        var micros = UnixMicroseconds.From(Now);
        lock (_gate) _gathered.Count(new HourKey(micros - (micros % ActivityTime.Hour), 0, kind, outcome), new HourSum(1, 0));
    }

    protected override Task Do(CancellationToken stopping) => Write();

    protected override Task AtTheEnd() => Write();

    async Task Write()
    {
        TellDropped();
        _isWriting = true;
        try
        {
            if (Take() is { } full) await Write(full);
        }
        finally
        {
            _isWriting = false;
        }
    }

    async Task Write(Gathered full)
    {
        // All are handed over before one is awaited, so that they share a commit.
        var under = ActivityWrite.Of(full, writes.Dialect, Now).Select(write => (write, writes.Run(write.Statements))).ToList();
        foreach (var (write, done) in under)
        {
            try
            {
                await done;
            }
            catch (Exception failure)
            {
                await MakeUp(write, failure);
            }
        }
    }

    /// <summary>Nothing of it was written. It goes with the next; but one row that the database will never have must not keep back the others.</summary>
    async Task MakeUp(ActivityWrite write, Exception failure)
    {
        if (StoreUnavailableException.From(failure) is not null || write.Details.Count == 0)
        {
            NotWritten(failure.Message);
            Failed();
            PutBack(write);
        }
        else if (write.Details.Count == 1)
        {
            Drop(write.Details.First().Value);
        }
        else
        {
            foreach (var single in write.Singly(writes.Dialect))
            {
                try
                {
                    await writes.Run(single.Statements);
                }
                catch (Exception again)
                {
                    await MakeUp(single, again);
                }
            }
        }
    }

    Gathered? Take()
    {
        lock (_gate)
        {
            if (_gathered.IsEmpty) return null;
            var full = _gathered;
            _gathered = new Gathered(full.Details.Count);
            return full;
        }
    }

    void PutBack(ActivityWrite write)
    {
        lock (_gate)
        {
            foreach (var (key, sum) in write.Hours) _gathered.Count(key, sum);
            foreach (var (key, sum) in write.Details)
            {
                if (!_gathered.TryAdd(key, sum)) _dropped += sum.Count;
            }
        }
    }

    void Drop(DetailSum detail)
    {
        lock (_gate)
        {
            _gathered.Drop(detail);
            _dropped += detail.Count;
        }
    }

    void TellDropped()
    {
        var dropped = Dropped;
        if (dropped > _told) DroppedDetails(dropped - _told, Gathered.Capacity);
        _told = dropped;
    }

    public override void Dispose()
    {
        // What a transfer noted that was broken off at the very end: the queue writes all that it is handed.
        _ = Write();
        base.Dispose();
    }

    [LoggerMessage(20, LogLevel.Warning, "Details of {Count} requests were dropped: more than {Capacity} different ones in a second. The counts are right")]
    partial void DroppedDetails(long count, int capacity);

    [LoggerMessage(21, LogLevel.Error, "The activity of the last second was not written, and will be with the next: {Reason}")]
    partial void NotWritten(string reason);
}
