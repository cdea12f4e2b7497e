using System.Runtime.CompilerServices;
using Latchkey.Server.Admin.Status;
using Latchkey.Server.Configuration;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Latchkey.Server.Telemetry;

/// <summary>
/// Who listens to the instruments: a collector, by OTLP; Prometheus, by <c>/metrics</c>. A server that has neither never
/// comes here, and loads nothing of OpenTelemetry; so no class of ours derives from one of its own, which whoever lists
/// our types (the panel does) would load.
/// </summary>
static class TelemetryHost
{
    /// <summary>ASP.NET Core's own, and the runtime's: requests by duration, connections, memory, threads.</summary>
    static readonly string[] Meters = [Instruments.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime"];

    /// <param name="builder">After all other services.</param>
    /// <param name="settings">With telemetry on.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void AddServices(WebApplicationBuilder builder, Settings settings)
    {
        var telemetry = settings.Telemetry;
        var to = builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource.Clear().AddTelemetrySdk().AddService("latchkey", serviceVersion: ServerStatus.Version).AddAttributes([new("host.name", Environment.MachineName)]));
        to.WithMetrics(metrics =>
        {
            metrics.AddMeter(Meters).AddInstrumentation(all => new Gauges(all));
            if (telemetry.HasMetrics) metrics.AddPrometheusExporter();
            if (telemetry.Otlp is { } otlp) metrics.AddOtlpExporter(exporter => Configure(exporter, otlp, "v1/metrics"));
        });
        if (telemetry.Otlp is { } collector) SendTracesAndLogs(to, collector);
        if (telemetry.MetricsUrls.Length > 0) builder.Services.AddHostedService<MetricsListener>();
    }

    static void SendTracesAndLogs(OpenTelemetryBuilder to, OtlpSettings otlp)
    {
        to.WithLogging(logs => logs.AddOtlpExporter(exporter => Configure(exporter, otlp, "v1/logs")), options => options.IncludeFormattedMessage = true);
        if (otlp.TracePercent == 0) return;

        // Whether it is traced is ours to say, not the client's; what is part of a request follows the request.
        var some = new TraceIdRatioBasedSampler(otlp.TracePercent / 100.0);
        to.WithTracing(traces => traces
            .SetSampler(new ParentBasedSampler(some, remoteParentSampled: some, remoteParentNotSampled: some))
            .AddSource("Microsoft.AspNetCore", Instruments.Name)
            .AddOtlpExporter(exporter => Configure(exporter, otlp, "v1/traces")));
    }

    static void Configure(OtlpExporterOptions exporter, OtlpSettings otlp, string path)
    {
        exporter.Protocol = otlp.IsGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = otlp.IsGrpc ? otlp.Endpoint : new Uri(otlp.Endpoint.AbsoluteUri.TrimEnd('/') + "/" + path);
        exporter.Headers = otlp.Headers;

        // A collector that does not answer shall not hold up the end of the server.
        exporter.TimeoutMilliseconds = 3000;
    }
}
