namespace Latchkey.Server.Data;

/// <summary>The numbers that others choose, as ids: programs that keep every number of JSON in a double must be able to hold them.</summary>
static class WholeNumber
{
    /// <summary>2^53 − 1: up to here a double tells every whole number from the next.</summary>
    public const long Most = 9_007_199_254_740_991;

    public const string MostText = "9007199254740991";

    /// <summary>For a table whose next number would be beyond it.</summary>
    /// <param name="last">The greatest there is.</param>
    /// <exception cref="OperationException">There is no next one.</exception>
    public static void RequireNext(long? last)
    {
        if (last >= Most) throw OperationException.Invalid("/id", "The greatest number there can be is taken: choose one that is free.");
    }
}
