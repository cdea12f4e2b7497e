namespace Latchkey.Server.Configuration;

/// <param name="Endpoint">Of the collector; the paths of the signals are not part of it.</param>
/// <param name="IsGrpc">Else <c>http/protobuf</c>.</param>
/// <param name="Headers">As <c>name=value,name=value</c>.</param>
/// <param name="TracePercent">How many requests out of a hundred are traced.</param>
sealed record OtlpSettings(Uri Endpoint, bool IsGrpc, string? Headers, int TracePercent);

/// <summary>Who is told how the server is; nobody, unless that is set.</summary>
/// <param name="Otlp">Null: nothing is sent.</param>
/// <param name="MetricsUrls">Where <c>/metrics</c> has a listener of its own; may be empty.</param>
/// <param name="MetricsToken">What whoever reads <c>/metrics</c> must present.</param>
sealed record TelemetrySettings(OtlpSettings? Otlp, string[] MetricsUrls, string? MetricsToken)
{
    const int ShortestToken = 16;

    public bool HasMetrics => MetricsUrls.Length > 0 || MetricsToken is not null;
    public bool IsOn => HasMetrics || Otlp is not null;

    public static TelemetrySettings Read(SettingsReader from)
    {
        var endpoint = from.HttpUrl("Telemetry:Otlp:Endpoint", "the http:// or https:// address of an OpenTelemetry collector, as http://127.0.0.1:4317");
        var isGrpc = from.OneOf("Telemetry:Otlp:Protocol", "grpc", "grpc", "http/protobuf") == "grpc";
        var headers = from.TextOrNull("Telemetry:Otlp:Headers");
        var percent = from.Whole("Telemetry:Otlp:TracePercent", 100, 0, 100, "0 sends no traces");
        var urls = from.Urls("Telemetry:Metrics:Urls", null);
        var token = from.TextOrNull("Telemetry:Metrics:Token");

        // Secrets: what is wrong with them is told, and not what they are.
        if (headers?.Split(',').All(header => header.IndexOf('=', StringComparison.Ordinal) > 0) == false) from.Add("Telemetry:Otlp:Headers must be name=value, several with ',' between.");
        if (token is not null && (token.Length < ShortestToken || token.Any(c => c is <= ' ' or > '~'))) from.Add($"Telemetry:Metrics:Token must have {ShortestToken} or more visible ASCII characters.");
        return new TelemetrySettings(endpoint is null ? null : new OtlpSettings(endpoint, isGrpc, headers, percent), urls, token);
    }
}
