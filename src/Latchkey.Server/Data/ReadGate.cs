namespace Latchkey.Server.Data;

/// <summary>
/// Lets a few reads of the office in at a time: whoever searches through a million rows does so beside the customers'
/// requests, not instead of them. Others wait for their turn, and each runs on a thread of its own: those that
/// answer requests are not held up.
/// </summary>
/// <param name="atOnce">How many run at a time.</param>
sealed class ReadGate(int atOnce) : IDisposable
{
    public const int MostWaiting = 100;
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    readonly SemaphoreSlim _places = new(atOnce);
    int _waiting;

    /// <summary>Reads whose turn has not come.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <exception cref="StoreUnavailableException">Too many wait already, or its turn did not come in time.</exception>
    /// <exception cref="OperationCanceledException">Whoever asked has gone before its turn came.</exception>
    public async Task<T> Run<T>(Func<T> read, CancellationToken gone = default)
    {
        await Enter(gone);
        try
        {
            return await Task.Factory.StartNew(read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            _places.Release();
        }
    }

    async Task Enter(CancellationToken gone)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > MostWaiting || !await _places.WaitAsync(Patience, gone)) throw new StoreUnavailableException("too many searches are waiting");
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Dispose() => _places.Dispose();
}

/// <summary>One for programs and one for people: a script that searches without end does not keep people out.</summary>
sealed class ReadGates : IDisposable
{
    // Half of the processors are left to the customers.
    public static readonly int AtOnce = Math.Max(1, Environment.ProcessorCount / 2);

    public ReadGate Api { get; } = new(AtOnce);
    public ReadGate Panel { get; } = new(AtOnce);

    public void Dispose()
    {
        Api.Dispose();
        Panel.Dispose();
    }
}
