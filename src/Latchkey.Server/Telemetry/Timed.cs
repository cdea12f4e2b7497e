using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Latchkey.Server.Telemetry;

/// <summary>Times what it encloses, and shows it in the trace of the request; nothing, where nobody listens.</summary>
readonly struct Timed : IDisposable
{
    static readonly ActivitySource Source = new(Instruments.Name);

    readonly Histogram<double> _into;
    readonly TagList _tags;
    readonly long _began;
    readonly System.Diagnostics.Activity? _span;

    Timed(Histogram<double> into, string span, in TagList tags)
    {
        (_into, _tags) = (into, tags);
        _span = Source.HasListeners() && System.Diagnostics.Activity.Current is not null ? Source.StartActivity(span) : null;
        _began = Stopwatch.GetTimestamp();
    }

    /// <param name="operation">As <c>lookup</c>.</param>
    public static Timed Database(string operation) =>
        Instruments.Database.Enabled || Source.HasListeners() ? new Timed(Instruments.Database, operation, new TagList { { "operation", operation } }) : default;

    /// <param name="store"><c>disk</c> or <c>s3</c>.</param>
    /// <param name="operation">As <c>open</c>.</param>
    public static Timed Store(string store, string operation) =>
        Instruments.Store.Enabled || Source.HasListeners() ? new Timed(Instruments.Store, operation, new TagList { { "store", store }, { "operation", operation } }) : default;

    public void Dispose()
    {
        if (_began == 0) return;
        _into.Record(Stopwatch.GetElapsedTime(_began).TotalSeconds, _tags);
        _span?.Dispose();
    }
}
