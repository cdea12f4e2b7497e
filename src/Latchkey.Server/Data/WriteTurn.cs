namespace Latchkey.Server.Data;

/// <summary>
/// Whose turn it is to write, within this process. SQLite's own lock is polled for, with pauses: whoever writes one
/// transaction after the other is always quicker than one who waits. Here customers' requests come first.
/// </summary>
sealed class WriteTurn
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    readonly Lock _lock = new();
    readonly Queue<Waiting> _customers = [];
    readonly Queue<Waiting> _others = [];
    bool _isTaken;

    /// <summary>Waits for the turn; it ends with what is returned.</summary>
    /// <param name="forCustomers">Before all others.</param>
    /// <exception cref="StoreUnavailableException">It did not come in time.</exception>
    public Turn Take(bool forCustomers)
    {
        using var mine = new Waiting();
        lock (_lock)
        {
            if (!_isTaken)
            {
                _isTaken = true;
                return new Turn(this);
            }

            (forCustomers ? _customers : _others).Enqueue(mine);
        }

        if (mine.Came.Wait(Patience)) return new Turn(this);
        lock (_lock)
        {
            // It may have come in this very moment.
            if (mine.Came.IsSet) return new Turn(this);
            mine.HasGone = true;
        }

        throw new StoreUnavailableException("too many writes are waiting");
    }

    void Pass()
    {
        lock (_lock)
        {
            while (_customers.TryDequeue(out var next) || _others.TryDequeue(out next))
            {
                if (next.HasGone) continue;
                next.Came.Set();
                return;
            }

            _isTaken = false;
        }
    }

    sealed class Waiting : IDisposable
    {
        public ManualResetEventSlim Came { get; } = new();
        public bool HasGone { get; set; }
        public void Dispose() => Came.Dispose();
    }

    public readonly struct Turn(WriteTurn turn) : IDisposable
    {
        public void Dispose() => turn.Pass();
    }
}
