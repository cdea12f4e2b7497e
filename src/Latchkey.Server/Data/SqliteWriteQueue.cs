using System.Collections.Concurrent;
using Latchkey.Server.Telemetry;
using Microsoft.Data.Sqlite;

namespace Latchkey.Server.Data;

/// <summary>The one writer of this process, on a thread of its own. SQLite undoes a statement that fails by itself.</summary>
sealed class SqliteWriteQueue : WriteQueue
{
    readonly SqliteDatabase _database;
    readonly BlockingCollection<Work> _waiting = new(new ConcurrentQueue<Work>(), MaxWaiting);
    readonly Thread _thread;

    // Open for as long as the server is there, be it ever so quiet: nobody can take the database away from under it.
    readonly SqliteConnection _presence;

    WriteSession? _session;

    /// <exception cref="DataDirectoryException">The database was closed just now.</exception>
    public SqliteWriteQueue(SqliteDatabase database)
    {
        _database = database;
        _presence = database.OpenExisting();
        if (Migrator.ClosedBecause(_presence) is { } closed) throw new DataDirectoryException(closed);
        _thread = new Thread(Run) { Name = "writer", IsBackground = true };
        _thread.Start();
    }

    public override Dialect Dialect => _database.Dialect;
    public override int Waiting => _waiting.Count;

    public override Task<int[]> Run(IReadOnlyList<Statement> statements)
    {
        var work = new Work(statements);
        try
        {
            if (!_waiting.TryAdd(work)) work.Fail(TooMany());
        }
        catch (Exception failure) when (failure is InvalidOperationException or ObjectDisposedException)
        {
            work.Fail(Stopped(failure));
        }

        return work.Done;
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
        _presence.Dispose();
    }

    void Commit(List<Work> batch)
    {
        try
        {
            _session ??= OpenSession();
            using var turn = _database.Turn.Take(forCustomers: true);
            using var timed = Timed.Database("commit");
            _session.Begin();
            foreach (var work in batch) Do(_session, work);
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

    static void Do(WriteSession session, Work work)
    {
        var isOne = work.Statements.Count == 1;
        if (!isOne) session.Execute("SAVEPOINT piece");
        try
        {
            foreach (var (index, statement) in work.Statements.Index()) work.Changed[index] = session.Execute(statement.Sql, statement.Values);
        }
        catch (SqliteException failure) when (StoreUnavailableException.From(failure) is null)
        {
            work.Fault = failure;
            if (!isOne) session.Execute("ROLLBACK TO piece");
        }

        if (!isOne) session.Execute("RELEASE piece");
    }

    WriteSession OpenSession()
    {
        var connection = _database.OpenExisting();
        connection.DefaultTimeout = (int)_database.PatienceOfQueue.TotalSeconds;
        Database.Execute(connection, $"PRAGMA cache_size=-16384; PRAGMA busy_timeout={(int)_database.PatienceOfQueue.TotalMilliseconds}");
        return new WriteSession(_database, connection, ownsConnection: true);
    }

    public override void Dispose()
    {
        _waiting.CompleteAdding();
        _thread.Join();
        _waiting.Dispose();
    }
}
