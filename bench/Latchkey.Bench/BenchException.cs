namespace Latchkey.Bench;

/// <summary>A measurement that does not count, or cannot be made; the message says why.</summary>
sealed class BenchException(string message) : Exception(message);
