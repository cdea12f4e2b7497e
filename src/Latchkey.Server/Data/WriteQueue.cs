using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Latchkey.Server.Data;

/// <summary>
/// The one writer of this process. Work that has gathered while the last commit went to disk shares
/// the next one, so that a hundred mints cost one fsync; each is answered after the commit that holds it.
/// </summary>
/// <remarks>
/// A statement that fails on its own account (a constraint) is undone by SQLite alone, and leaves the others
/// in its batch as they are: work whose statements must hold together is one statement. When the store fails, the whole
/// batch is rolled back and all of it answers <see cref="StoreUnavailableException"/>.
/// </remarks>
sealed class WriteQueue : IDisposable
{
    const int MaxBatch = 256;
    const int MaxWaiting = 8192;

    readonly SqliteDatabase _database;
    readonly BlockingCollection<Work> _waiting = new(new ConcurrentQueue<Work>(), MaxWaiting);
    readonly Thread _thread;
    WriteSession? _session;

    public WriteQueue(SqliteDatabase database)
    {
        _database = database;
        _thread = new Thread(Run) { Name = "writer", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Writes that are not on the disk yet, but for the batch that is going there.</summary>
    public int Waiting => _waiting.Count;

    /// <returns>What <paramref name="work"/> returned, once it is on disk.</returns>
    /// <exception cref="StoreUnavailableException">It is not, and nothing was changed.</exception>
    public Task<T> Run<T>(Func<WriteSession, T> work)
    {
        var item = new Work<T>(work);
        try
        {
            if (!_waiting.TryAdd(item)) item.Fail(new StoreUnavailableException("too many writes are waiting"));
        }
        catch (Exception failure) when (failure is InvalidOperationException or ObjectDisposedException)
        {
            item.Fail(new StoreUnavailableException("the server has stopped", failure));
        }

        return item.Done;
    }

    void Run()
    {
        var batch = new List<Work>(MaxBatch);
        foreach (var first in _waiting.GetConsumingEnumerable())
        {
            batch.Add(first);
            while (batch.Count < MaxBatch && _waiting.TryTake(out var next)) batch.Add(next);
            Commit(batch);
            batch.Clear();
        }

        _session?.Dispose();
    }

    void Commit(List<Work> batch)
    {
        try
        {
            _session ??= OpenSession();
            using var turn = _database.Turn.Take(forCustomers: true);
            _session.Begin();
            foreach (var work in batch) work.Do(_session);
            _session.Commit();
            foreach (var work in batch) work.Complete();
        }
        catch (Exception failure)
        {
            // A connection that has seen an error is not asked again.
            _session?.Dispose();
            _session = null;
            var reason = StoreUnavailableException.From(failure) ?? failure;
            foreach (var work in batch) work.Fail(reason);

            // Who came meanwhile has waited as long: it is told now, not after another wait.
            for (var waiting = _waiting.Count; waiting > 0 && reason is StoreUnavailableException && _waiting.TryTake(out var late); waiting--) late.Fail(reason);
        }
    }

    WriteSession OpenSession()
    {
        var connection = _database.OpenExisting();
        connection.DefaultTimeout = 1;
        SqliteDatabase.Execute(connection, "PRAGMA cache_size=-16384; PRAGMA busy_timeout=1500");
        return new WriteSession(connection);
    }

    /// <summary>Everything that was accepted is written first.</summary>
    public void Dispose()
    {
        _waiting.CompleteAdding();
        _thread.Join();
        _waiting.Dispose();
    }

    abstract class Work
    {
        public abstract void Do(WriteSession session);
        public abstract void Complete();
        public abstract void Fail(Exception reason);
    }

    sealed class Work<T>(Func<WriteSession, T> work) : Work
    {
        readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        T _result = default!;
        Exception? _own;

        public Task<T> Done => _done.Task;

        public override void Do(WriteSession session)
        {
            try
            {
                _result = work(session);
            }
            catch (SqliteException failure) when (StoreUnavailableException.From(failure) is null)
            {
                _own = failure;
            }
        }

        public override void Complete()
        {
            if (_own is null) _done.TrySetResult(_result);
            else _done.TrySetException(_own);
        }

        public override void Fail(Exception reason) => _done.TrySetException(reason);
    }
}

/// <summary>The writer's connection, with each statement prepared once.</summary>
sealed class WriteSession(SqliteConnection connection) : IDisposable
{
    readonly Dictionary<string, SqliteCommand> _prepared = [];

    public void Begin() => Prepared("BEGIN IMMEDIATE").ExecuteNonQuery();

    public void Commit() => Prepared("COMMIT").ExecuteNonQuery();

    /// <summary>Runs one statement; its parameters are <c>$1</c>, <c>$2</c>, … in order.</summary>
    /// <returns>The number of rows it changed.</returns>
    public int Execute(string sql, params ReadOnlySpan<object?> values)
    {
        var command = Prepared(sql);
        var parameters = command.Parameters;
        for (var i = 0; i < values.Length; i++)
        {
            if (parameters.Count == i) parameters.Add(new SqliteParameter("$" + (i + 1), null));
            parameters[i].Value = values[i] ?? DBNull.Value;
        }

        return command.ExecuteNonQuery();
    }

    SqliteCommand Prepared(string sql)
    {
        if (_prepared.TryGetValue(sql, out var command)) return command;
        command = connection.CreateCommand();
        command.CommandText = sql;
        return _prepared[sql] = command;
    }

    public void Dispose()
    {
        foreach (var command in _prepared.Values) command.Dispose();
        connection.Dispose();
    }
}
