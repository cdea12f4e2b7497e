namespace Latchkey.Server.Data;

/// <summary>
/// One prepared question, asked by any number of requests at once. Each asking sees what was committed before it
/// began, by whichever process: nothing is cached.
/// </summary>
abstract class Lookup : IDisposable
{
    /// <summary>Asks a question of one parameter.</summary>
    /// <param name="key">The parameter.</param>
    /// <param name="read">Reads the first row, with <see cref="Rows.Step"/> for more.</param>
    /// <returns>What was read; null where there is no row.</returns>
    /// <exception cref="StoreUnavailableException">The database cannot be read right now.</exception>
    public ValueTask<T?> Read<T>(Value key, Func<Rows, T> read)
        where T : class => Read(key, default, read);

    /// <summary>Asks a question of two.</summary>
    public abstract ValueTask<T?> Read<T>(Value first, Value second, Func<Rows, T> read)
        where T : class;

    public abstract void Dispose();
}

/// <summary>A parameter: bytes or a number.</summary>
readonly record struct Value(byte[]? Bytes, long Number)
{
    public static implicit operator Value(byte[] bytes) => new(bytes, 0);
    public static implicit operator Value(long number) => new(null, number);
}

/// <summary>The rows of an answer, one at a time, read by column number.</summary>
abstract class Rows
{
    /// <summary>Goes to the next row. False: there is none.</summary>
    public abstract bool Step();

    public abstract bool IsNull(int column);

    /// <summary>Truth is 1.</summary>
    public abstract long Long(int column);

    public abstract string Text(int column);
    public abstract byte[] Bytes(int column);
    public long? LongOrNull(int column) => IsNull(column) ? null : Long(column);
    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);
    public DateTimeOffset Time(int column) => UnixMicroseconds.To(Long(column));
    public DateTimeOffset? TimeOrNull(int column) => IsNull(column) ? null : Time(column);
}
