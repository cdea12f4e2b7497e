namespace Latchkey.Server.Data;

/// <summary>
/// Whose turn it is to write, within this process. SQLite's own lock is polled for, with pauses: whoever writes one
/// transaction after the other is always quicker than one who waits. Here customers' requests come first.
/// </summary>
/// <param name="patience">How long one waits.</param>
sealed class WriteTurn(TimeSpan patience)
{
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

        mine.Came.Wait(patience);
        lock (_lock)
        {
            // It may have come in this very moment.
            if (mine.Came.IsSet && !mine.HasGone) return new Turn(this);
            mine.HasGone = true;
        }

        throw new StoreUnavailableException("too many writes are waiting");
    }

    /// <summary>The database does not answer: who waits has waited as long as the one who found that out.</summary>
    public void GiveUp()
    {
        lock (_lock)
        {
            foreach (var waiting in _customers.Concat(_others))
            {
                waiting.HasGone = true;
                waiting.Came.Set();
            }

            _customers.Clear();
            _others.Clear();
        }
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
