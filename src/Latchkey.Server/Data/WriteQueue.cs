namespace Latchkey.Server.Data;

/// <summary>A write as it is asked for: its parameters are <c>$1</c>, <c>$2</c>, … in order.</summary>
readonly record struct Statement(string Sql, params object?[] Values);

/// <summary>No value, of a kind that is known: a statement that is prepared has parameters of one kind.</summary>
sealed record Null(bool IsText)
{
    public static readonly object Number = new Null(false);
    public static readonly object Text = new Null(true);
}

/// <summary>
/// Writes of requests. What has gathered while the last commit went to disk shares the next one, so that a hundred
/// mints cost one fsync; each is answered after the commit that holds it.
/// </summary>
/// <remarks>
/// A piece of work that fails on its own account (a constraint) leaves the others that shared its commit as they are.
/// When the store fails, all of them answer <see cref="StoreUnavailableException"/>.
/// </remarks>
abstract class WriteQueue : IDisposable
{
    public const int MaxBatch = 256;
    public const int MaxWaiting = 8192;

    public abstract Dialect Dialect { get; }

    /// <summary>Writes that are not on the disk yet, but for the batch that is going there.</summary>
    public abstract int Waiting { get; }

    /// <returns>The number of rows that the statement changed, once that is on disk.</returns>
    /// <exception cref="StoreUnavailableException">It may not be: nobody can say.</exception>
    public async Task<int> Run(string sql, params object?[] values) => (await Run([new Statement(sql, values)]))[0];

    /// <summary>All or none of them.</summary>
    public abstract Task<int[]> Run(IReadOnlyList<Statement> statements);

    /// <summary>Everything that was accepted is written first.</summary>
    public abstract void Dispose();

    protected static StoreUnavailableException TooMany() => new("too many writes are waiting");

    protected static StoreUnavailableException Stopped(Exception? cause = null) => new("the server has stopped", cause);

    /// <summary>A piece of work, and who waits for it.</summary>
    protected sealed class Work(IReadOnlyList<Statement> statements)
    {
        readonly TaskCompletionSource<int[]> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<Statement> Statements => statements;
        public int[] Changed { get; } = new int[statements.Count];
        public Exception? Fault { get; set; }

        /// <summary>Nobody waits for it any more; if it has not begun, it need not.</summary>
        public bool IsAbandoned { get; set; }

        public Task<int[]> Done => _done.Task;

        public void Complete()
        {
            if (Fault is null) _done.TrySetResult(Changed);
            else _done.TrySetException(Fault);
        }

        public void Fail(Exception reason) => _done.TrySetException(reason);
    }
}
