namespace Latchkey.Server.Data;

/// <summary>
/// How long a customer's request waits for a shared database, so that it is answered 503 within two seconds. What a request asks one
/// after the other shares one such time; it goes along through whatever is called, and ends where a transfer begins.
/// </summary>
static class Patience
{
    public static readonly TimeSpan All = TimeSpan.FromSeconds(1.5);

    static readonly AsyncLocal<Waited?> OfRequest = new();

    public static void Begin() => OfRequest.Value = new Waited();

    public static void End() => OfRequest.Value = null;

    /// <exception cref="TimeoutException">It took too long, with what was waited for before.</exception>
    public static async Task<T> Wait<T>(Task<T> answer)
    {
        if (OfRequest.Value is not { } waited) return await answer.WaitAsync(All);
        var began = TimeProvider.System.GetTimestamp();
        try
        {
            var left = All - waited.Time;
            return await answer.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
        finally
        {
            waited.Time += TimeProvider.System.GetElapsedTime(began);
        }
    }

    sealed class Waited
    {
        public TimeSpan Time { get; set; }
    }
}
