namespace Latchkey.Server.Data;

/// <summary>
/// How long a customer's request waits for a shared database, so that it is answered 503 within two seconds. What a request asks one
/// after the other shares one such time; it goes along through whatever is called, and ends where a transfer begins.
/// </summary>
static class Patience
{
    public static readonly TimeSpan All = TimeSpan.FromSeconds(1.5);

    /// <summary>A claim waits for other things too (a part that is being served): then less is left for the database.</summary>
    static readonly TimeSpan InAll = TimeSpan.FromSeconds(2);

    static readonly TimeSpan Least = TimeSpan.FromSeconds(0.25);

    static readonly AsyncLocal<Waited?> OfRequest = new();

    public static void Begin() => OfRequest.Value = new Waited();

    public static void End() => OfRequest.Value = null;

    /// <summary>When the request began to wait, or now.</summary>
    /// <returns>A timestamp of the system's.</returns>
    public static long Began => OfRequest.Value?.Began ?? TimeProvider.System.GetTimestamp();

    /// <exception cref="TimeoutException">It took too long, with what was waited for before.</exception>
    public static async Task<T> Wait<T>(Task<T> answer)
    {
        if (OfRequest.Value is not { } waited) return await answer.WaitAsync(All);
        var began = TimeProvider.System.GetTimestamp();
        try
        {
            return await answer.WaitAsync(waited.Left);
        }
        finally
        {
            waited.Time += TimeProvider.System.GetElapsedTime(began);
        }
    }

    sealed class Waited
    {
        public long Began { get; } = TimeProvider.System.GetTimestamp();

        public TimeSpan Time { get; set; }

        public TimeSpan Left
        {
            get
            {
                var ofAll = TimeSpan.FromTicks(Math.Max(Least.Ticks, (InAll - TimeProvider.System.GetElapsedTime(Began)).Ticks));
                return TimeSpan.FromTicks(Math.Max(0, Math.Min(ofAll.Ticks, (All - Time).Ticks)));
            }
        }
    }
}
