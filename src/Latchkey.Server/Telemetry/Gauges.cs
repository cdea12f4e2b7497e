using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Status;
using Latchkey.Server.Backups;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Downloads;
using Latchkey.Server.Http;
using Latchkey.Server.RateLimits;

namespace Latchkey.Server.Telemetry;

/// <summary>What is looked up when somebody asks: how long the queues are, and how the store and the disk stand.</summary>
sealed class Gauges
{
    readonly Meter _meter;

    /// <param name="all">The server's services: the meter ends with them, after the last reading.</param>
    public Gauges(IServiceProvider all)
    {
        _meter = all.GetRequiredService<IMeterFactory>().Create(Instruments.Name);
        Queues(all.GetRequiredService<WriteQueue>(), all.GetRequiredService<ActivityBoard>(), all.GetRequiredService<ReadGates>());
        Downloads(all.GetRequiredService<DownloadPlaces>(), all.GetRequiredService<Settings>());
        Clients(all.GetRequiredService<Connections>(), all.GetRequiredService<Settings>());
        Files(all.GetRequiredService<IBlobStore>(), all.GetRequiredService<BlobHealth>());
        Backups(all.GetRequiredService<BackupHealth>());
        var data = new DriveInfo(all.GetRequiredService<DataDirectory>().Path);
        _meter.CreateObservableGauge("latchkey.disk.free", () => data.AvailableFreeSpace, "By", "What this program may still use of the disk that the data lies on");
        var limiter = all.GetRequiredService<RateLimiter>();
        _meter.CreateObservableGauge("latchkey.rate_limiter.clients", () => limiter.Clients, "{client}", "Addresses that the rate limiter of this process remembers");
        _meter.CreateObservableGauge(
            "latchkey.build.info", () => new Measurement<int>(1, new("version", ServerStatus.Version), new("runtime", RuntimeInformation.FrameworkDescription)), null, "Always 1: what runs here");
    }

    void Queues(WriteQueue writes, ActivityBoard activity, ReadGates reads) => _meter.CreateObservableGauge(
        "latchkey.queue.length",
        () => (Measurement<int>[])[Of(writes.Waiting, "writes"), Of(activity.Waiting, "activity"), Of(reads.Api.Waiting, "searches_api"), Of(reads.Panel.Waiting, "searches_panel")],
        "{item}", "What waits: writes for the disk, activity for the next write, searches for their turn");

    static Measurement<int> Of(int value, string queue) => new(value, new KeyValuePair<string, object?>("queue", queue));

    void Downloads(DownloadPlaces downloads, Settings settings)
    {
        _meter.CreateObservableGauge("latchkey.downloads.active", () => downloads.Running, "{download}", "Downloads that this server sends right now");
        _meter.CreateObservableGauge("latchkey.downloads.limit", () => settings.Downloads.MaxConcurrent, "{download}", "How many it sends at once");
        _meter.CreateObservableCounter(
            "latchkey.downloads.turned_away",
            () => (Measurement<long>[])[OfCap(downloads.Refused.InAll, "all"), OfCap(downloads.Refused.Addresses, "address"), OfCap(downloads.Refused.Licenses, "license")],
            "{download}", "Downloads that were answered 503, by the cap that was met");
    }

    static Measurement<long> OfCap(long value, string cap) => new(value, new KeyValuePair<string, object?>("cap", cap));

    void Clients(Connections connections, Settings settings)
    {
        _meter.CreateObservableGauge("latchkey.connections.open", () => connections.Open, "{connection}", "Connections that are open");
        _meter.CreateObservableGauge("latchkey.connections.limit", () => settings.Connections.Max, "{connection}", "How many may be open at once");
        _meter.CreateObservableCounter(
            "latchkey.connections.closed", () => (Measurement<long>[])[OfCap(connections.Closed.InAll, "all"), OfCap(connections.Closed.Addresses, "address")],
            "{connection}", "Connections that were closed to make room, or for want of it, by the cap that was met");
    }

    void Files(IBlobStore store, BlobHealth health)
    {
        _meter.CreateObservableGauge("latchkey.store.up", () => health.Store is null ? 1 : 0, null, "1 while the store of files answers, as far as was seen");
        _meter.CreateObservableGauge("latchkey.store.missing_files", () => health.Files.Count, "{file}", "Published files that could not be had, or are damaged");
        _meter.CreateObservableGauge(
            "latchkey.store.free", () => store.Room() is { } room ? [new Measurement<long>(room)] : (Measurement<long>[])[], "By", "What may still be stored; nothing for a bucket, which tells nobody");
    }

    /// <summary>Nothing, until there is a backup.</summary>
    void Backups(BackupHealth health)
    {
        void Of(string name, string? unit, string what, Func<BackupResult, double?> value) =>
            _meter.CreateObservableGauge(name, () => health.Last.Done is { } done && value(done) is { } now ? [new Measurement<double>(now)] : (Measurement<double>[])[], unit, what);
        Of("latchkey.backup.last_success", "s", "Unix time at which the last backup was complete", done => done.At.ToUnixTimeSeconds());
        Of("latchkey.backup.due", "s", "Unix time at which the next is to be there, by the schedule", done => done.NextAt?.ToUnixTimeSeconds());
        Of("latchkey.backup.duration", "s", "How long the last one took", done => done.Milliseconds / 1000.0);
        Of("latchkey.backup.size", "By", "All that the last one consists of", done => done.Bytes);
        Of("latchkey.backup.copied", "By", "What of it was not there yet", done => done.CopiedBytes);
        _meter.CreateObservableCounter("latchkey.backup.failures", () => health.Failures, "{backup}", "Backups by the schedule that this process could not make");
        _meter.CreateObservableGauge("latchkey.backup.failing", () => health.Last.HasFailed ? 1 : 0, null, "1 while the last backup failed");
    }
}
