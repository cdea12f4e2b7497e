using System.Diagnostics.Metrics;
using Latchkey.Server.Activity;
using Latchkey.Server.Http;

namespace Latchkey.Server.Telemetry;

/// <summary>
/// What is counted and timed where it happens; <see cref="Gauges"/> has what is looked up. All of it is listed in
/// docs/operations.md. The values of a label are few and ours: never a key, a token, a host, an address or an id. Where
/// nobody listens, each costs the reading of a field.
/// </summary>
static class Instruments
{
    public const string Name = "Latchkey";

    static readonly Meter Meter = new(Name);
    static readonly Counter<long> RequestCount = Meter.CreateCounter<long>("latchkey.requests", "{request}", "Requests that were answered, by route and outcome: OK or the error code");
    static readonly Counter<long> Verdicts = Meter.CreateCounter<long>("latchkey.verdicts", "{verdict}", "What came of verify, update, mint and download");
    static readonly Counter<long> DownloadTokens = Meter.CreateCounter<long>("latchkey.download_tokens", "{token}", "What became of download tokens");
    static readonly Counter<long> BytesSent = Meter.CreateCounter<long>("latchkey.download.sent", "By", "Bytes of files that left, or were left to others to send");
    static readonly Counter<long> Limiter = Meter.CreateCounter<long>("latchkey.rate_limiter.decisions", "{decision}", "What the rate limiter said, by budget");
    static readonly Counter<long> BackgroundRuns = Meter.CreateCounter<long>("latchkey.background.runs", "{run}", "Turns of the work beside the requests");
    static readonly Gauge<double> BackgroundSuccess = Meter.CreateGauge<double>("latchkey.background.last_success", "s", "Unix time of the last turn that went well, or of the start");

    /// <summary>Of the look-up of a license, and of a commit of the write queue.</summary>
    public static readonly Histogram<double> Database = Seconds("latchkey.db.duration", "Of a look-up of a license, and of a commit of the write queue", 0.00005, 0.0001, 0.00025, 0.0005);

    /// <summary>Of what the store of files was asked for.</summary>
    public static readonly Histogram<double> Store = Seconds("latchkey.store.duration", "Of what the store of files was asked for, done or not", 0.0001, 0.0005);

    static Histogram<double> Seconds(string name, string what, params double[] first) =>
        Meter.CreateHistogram(name, "s", what, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [.. first, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });

    public static bool CountsRequests => RequestCount.Enabled;

    public static void Request(string route, string outcome) => RequestCount.Add(1, new("route", route), new("outcome", outcome));

    /// <summary>A request of the license API was judged, or a transfer has ended.</summary>
    public static void Judged(ActivityKind kind, string outcome)
    {
        if (!Verdicts.Enabled) return;
        Verdicts.Add(1, new("kind", WordOf(kind)), new("outcome", outcome));
        if (kind == ActivityKind.Mint && outcome == ActivityOutcome.Ok) Token("minted");
        if (kind == ActivityKind.Download) Token(outcome switch { ActivityOutcome.Ok => "delivered", ActivityOutcome.Interrupted => "interrupted", ActivityOutcome.Partial => "partial", _ => "refused" });
    }

    static string WordOf(ActivityKind kind) => kind switch { ActivityKind.Verify => "verify", ActivityKind.Mint => "mint", ActivityKind.Update => "update", _ => "download" };

    /// <param name="happened">As <c>claimed</c>.</param>
    public static void Token(string happened) => DownloadTokens.Add(1, new KeyValuePair<string, object?>("event", happened));

    /// <param name="bytes">How many.</param>
    /// <param name="by">As <c>stream</c>.</param>
    public static void Sent(long bytes, string by) => BytesSent.Add(bytes, new KeyValuePair<string, object?>("delivery", by));

    /// <param name="refusal">What the limiter said to a request of the license API; null if it let it pass.</param>
    public static void Limited(Refusal? refusal) => Limited(refusal == Wire.TooManyWrongKeys ? "wrong_keys" : "requests", refusal is not null);

    public static void Limited(string budget, bool isRefused) => Limiter.Add(1, new("budget", budget), new("decision", isRefused ? "refused" : "admitted"));

    /// <summary>Work beside the requests has begun to be done, or was done once more.</summary>
    public static void Background(string task, bool? isDone, DateTimeOffset now)
    {
        if (isDone is not null) BackgroundRuns.Add(1, new("task", task), new("outcome", isDone.Value ? "ok" : "failed"));
        if (isDone != false) BackgroundSuccess.Record(now.ToUnixTimeSeconds(), new KeyValuePair<string, object?>("task", task));
    }
}
