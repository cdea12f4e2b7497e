using System.Threading.Channels;
using Latchkey.Server.Telemetry;
using Npgsql;

namespace Latchkey.Server.Data;

/// <summary>
/// The one writer of this node: each batch is one transaction, sent in one go. The transactions of other nodes run
/// beside it, and every statement decides by itself what it finds.
/// </summary>
sealed class PostgreSqlWriteQueue : WriteQueue
{
    const int MostTries = 5;

    readonly PostgreSqlDatabase _database;
    readonly Channel<Work> _waiting = Channel.CreateBounded<Work>(MaxWaiting);
    readonly Task _running;

    public PostgreSqlWriteQueue(PostgreSqlDatabase database)
    {
        _database = database;
        _running = Task.Run(Run);
    }

    public override Dialect Dialect => _database.Dialect;
    public override int Waiting => _waiting.Reader.Count;

    public override async Task<int[]> Run(IReadOnlyList<Statement> statements)
    {
        var work = new Work(statements);
        if (!_waiting.Writer.TryWrite(work)) throw _running.IsCompleted ? Stopped() : TooMany();
        try
        {
            return await Patience.Wait(work.Done);
        }
        catch (TimeoutException late)
        {
            work.IsAbandoned = true;
            throw new StoreUnavailableException("the database does not answer in time", late);
        }
    }

    async Task Run()
    {
        var batch = new List<Work>(MaxBatch);
        while (await _waiting.Reader.WaitToReadAsync())
        {
            while (batch.Count < MaxBatch && _waiting.Reader.TryRead(out var next))
            {
                if (!next.IsAbandoned) batch.Add(next);
            }

            if (batch.Count > 0) await Commit(batch);
            batch.Clear();
        }
    }

    async Task Commit(List<Work> batch)
    {
        using var timed = Timed.Database("commit");
        using var patience = new CancellationTokenSource(Patience.All);
        try
        {
            await using var connection = await _database.OpenAsync(patience.Token);
            try
            {
                await Write(connection, batch, patience.Token);
            }
            catch (PostgresException failure) when (StoreUnavailableException.From(failure) is null)
            {
                // One of them is at fault, and undid the others: each for itself, then.
                foreach (var work in batch) await WriteAlone(connection, work, patience.Token);
            }

            foreach (var work in batch) work.Complete();
        }
        catch (Exception failure)
        {
            var reason = failure is OperationCanceledException ? new StoreUnavailableException("the database does not answer in time", failure) : StoreUnavailableException.From(failure) ?? failure;
            if (reason is StoreUnavailableException) _database.Forget();
            foreach (var work in batch) work.Fail(reason);

            // Who came meanwhile has waited as long: it is told now, not after another wait.
            for (var waiting = Waiting; waiting > 0 && reason is StoreUnavailableException && _waiting.Reader.TryRead(out var late); waiting--) late.Fail(reason);
        }
    }

    static async Task WriteAlone(NpgsqlConnection connection, Work work, CancellationToken stop)
    {
        try
        {
            await Write(connection, [work], stop);
        }
        catch (PostgresException failure) when (StoreUnavailableException.From(failure) is null)
        {
            work.Fault = failure;
        }
    }

    /// <summary>All in one transaction. What another one was in the way of has not happened, and is tried again.</summary>
    static async Task Write(NpgsqlConnection connection, List<Work> batch, CancellationToken stop)
    {
        for (var tries = 1; ; tries++)
        {
            await using var all = new NpgsqlBatch(connection);
            foreach (var statement in batch.SelectMany(work => work.Statements)) all.BatchCommands.Add(CommandOf(statement));
            try
            {
                await all.ExecuteNonQueryAsync(stop);
                var next = 0;
                foreach (var work in batch)
                {
                    for (var i = 0; i < work.Changed.Length; i++) work.Changed[i] = all.BatchCommands[next++].RecordsAffected;
                }

                return;
            }
            catch (PostgresException failure) when (failure.SqlState is PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure && tries < MostTries)
            {
                // Undone as a whole.
            }
        }
    }

    static NpgsqlBatchCommand CommandOf(Statement statement)
    {
        var command = new NpgsqlBatchCommand(statement.Sql);
        foreach (var value in statement.Values) command.Parameters.Add(PostgreSqlDatabase.ParameterOf(value));
        return command;
    }

    public override void Dispose()
    {
        _waiting.Writer.TryComplete();
        _running.GetAwaiter().GetResult();
    }
}
