namespace Latchkey.Faults;

/// <summary>Something that breaks, and is whole again when <paramref name="Strike"/> returns.</summary>
/// <param name="Name">As the table has it.</param>
/// <param name="Strike">Breaks it for so long.</param>
/// <param name="Hold">How long.</param>
sealed record Fault(string Name, Func<TimeSpan, Task> Strike, TimeSpan Hold)
{
    public static readonly Fault None = new("none", _ => Task.CompletedTask, TimeSpan.Zero);

    /// <summary>A connection may break: only where a node is killed.</summary>
    public bool Interrupts { get; init; }

    /// <summary>503 may be answered: where a node is killed, or the database is away.</summary>
    public bool Stops { get; init; }

    /// <summary>Limits are not exact meanwhile.</summary>
    public bool IsOfRedis { get; init; }
}
