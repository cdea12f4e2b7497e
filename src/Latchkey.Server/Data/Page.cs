namespace Latchkey.Server.Data;

/// <summary>A part of a long list, and where the next one begins.</summary>
/// <param name="Items">What is shown.</param>
/// <param name="NextCursor">Given back for the part that follows; null at the end.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);
