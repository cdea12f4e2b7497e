using System.Threading.Channels;
using Npgsql;
using NpgsqlTypes;

namespace Latchkey.Server.Data;

/// <summary>
/// What is asked at the same moment is asked in one question: a statement over an array of keys, prepared once. A round
/// trip costs more than a look-up, and so a hundred that wait for one cost little more than one. A question begins after all that it
/// asks for had come, so each answer is as fresh as if it had been asked alone.
/// </summary>
sealed class PostgreSqlLookup : Lookup
{
    const int MostInOne = 128;
    const int MostWaiting = 16_384;

    // While one question is on its way, the next gathers; more would only make them smaller.
    const int AtOnce = 2;

    readonly PostgreSqlDatabase _database;
    readonly LookupKey[] _parameters;
    readonly string _sql;
    readonly Channel<Asking> _waiting = Channel.CreateBounded<Asking>(MostWaiting);

    public PostgreSqlLookup(PostgreSqlDatabase database, string sql, LookupKey[] parameters)
    {
        (_database, _parameters) = (database, parameters);
        var arrays = string.Join(", ", parameters.Select((kind, i) => $"${i + 1}::{(kind == LookupKey.Number ? "bigint" : "bytea")}[]"));
        var names = string.Join(", ", parameters.Select((_, i) => $"p{i + 1}"));
        foreach (var i in Enumerable.Range(1, parameters.Length)) sql = sql.Replace($"${i}", $"k.p{i}", StringComparison.Ordinal);
        _sql = $"SELECT k.n, r.* FROM unnest({arrays}) WITH ORDINALITY AS k({names}, n) CROSS JOIN LATERAL ({sql}) r";
        for (var i = 0; i < AtOnce; i++) _ = Run();
    }

    public override async ValueTask<T?> Read<T>(Value first, Value second, Func<Rows, T> read)
        where T : class
    {
        var asking = new Asking(first, second);
        if (!_waiting.Writer.TryWrite(asking)) throw new StoreUnavailableException("too many look-ups are waiting");
        List<Cell[]> rows;
        try
        {
            rows = await Patience.Wait(asking.Done);
        }
        catch (TimeoutException late)
        {
            throw new StoreUnavailableException("the database does not answer in time", late);
        }

        return rows.Count == 0 ? null : read(new ReadRows(rows));
    }

    async Task Run()
    {
        var group = new List<Asking>(MostInOne);
        while (await _waiting.Reader.WaitToReadAsync())
        {
            while (group.Count < MostInOne && _waiting.Reader.TryRead(out var next)) group.Add(next);
            if (group.Count > 0) await Ask(group);
            group.Clear();
        }
    }

    async Task Ask(List<Asking> group)
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience.All);
            try
            {
                await AskOnce(group, patience.Token);
            }
            catch (Exception failure) when (!patience.IsCancellationRequested && StoreUnavailableException.From(failure) is not null)
            {
                // The server may be another by now, to which none of the idle connections leads. To read twice does no harm.
                _database.Forget();
                foreach (var asking in group) asking.Rows.Clear();
                await AskOnce(group, patience.Token);
            }

            foreach (var asking in group) asking.Answer();
        }
        catch (Exception failure)
        {
            var reason = failure is OperationCanceledException ? new StoreUnavailableException("the database does not answer in time", failure) : StoreUnavailableException.From(failure) ?? failure;
            foreach (var asking in group) asking.Fail(reason);
        }
    }

    async Task AskOnce(List<Asking> group, CancellationToken stop)
    {
        await using var connection = await _database.OpenAsync(stop);
        await using var command = new NpgsqlCommand(_sql, connection);
        for (var i = 0; i < _parameters.Length; i++) command.Parameters.Add(Keys(group, i));
        await using var reader = await command.ExecuteReaderAsync(stop);
        var read = Cell.Readers(reader);
        while (await reader.ReadAsync(stop))
        {
            var row = new Cell[read.Length - 1];
            for (var i = 0; i < row.Length; i++) row[i] = read[i + 1](reader, i + 1);
            group[(int)reader.GetInt64(0) - 1].Rows.Add(row);
        }
    }

    NpgsqlParameter Keys(List<Asking> group, int at)
    {
        Value Of(Asking asking) => at == 0 ? asking.First : asking.Second;
        return _parameters[at] == LookupKey.Number
            ? new NpgsqlParameter<long[]> { TypedValue = [.. group.Select(asking => Of(asking).Number)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint }
            : new NpgsqlParameter<byte[][]> { TypedValue = [.. group.Select(asking => Of(asking).Bytes!)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };
    }

    public override void Dispose() => _waiting.Writer.TryComplete();

    sealed class Asking(Value first, Value second)
    {
        readonly TaskCompletionSource<List<Cell[]>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Value First => first;
        public Value Second => second;
        public List<Cell[]> Rows { get; } = new(1);
        public Task<List<Cell[]>> Done => _done.Task;

        public void Answer() => _done.TrySetResult(Rows);

        public void Fail(Exception reason) => _done.TrySetException(reason);
    }

    /// <summary>A value as it was read: a number, or a text or bytes; or neither, for NULL.</summary>
    readonly record struct Cell(long Number, object? Thing, bool IsNull)
    {
        static readonly Cell Null = new(0, null, true);

        public static Func<NpgsqlDataReader, int, Cell>[] Readers(NpgsqlDataReader reader) =>
            [.. Enumerable.Range(0, reader.FieldCount).Select(i => Reader(reader.GetFieldType(i)))];

        static Func<NpgsqlDataReader, int, Cell> Reader(Type type) =>
            type == typeof(string) ? static (row, i) => row.IsDBNull(i) ? Null : new Cell(0, row.GetString(i), false)
            : type == typeof(byte[]) ? static (row, i) => row.IsDBNull(i) ? Null : new Cell(0, row.GetFieldValue<byte[]>(i), false)
            : type == typeof(bool) ? static (row, i) => row.IsDBNull(i) ? Null : new Cell(row.GetBoolean(i) ? 1 : 0, null, false)
            : static (row, i) => row.IsDBNull(i) ? Null : new Cell(row.GetInt64(i), null, false);
    }

    sealed class ReadRows(List<Cell[]> rows) : Rows
    {
        int _at;

        public override bool Step() => ++_at < rows.Count;
        public override bool IsNull(int column) => rows[_at][column].IsNull;
        public override long Long(int column) => rows[_at][column].Number;
        public override string Text(int column) => (string)rows[_at][column].Thing!;
        public override byte[] Bytes(int column) => (byte[])rows[_at][column].Thing!;
    }
}
