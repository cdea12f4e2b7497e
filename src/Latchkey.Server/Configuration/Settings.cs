using System.Net;

namespace Latchkey.Server.Configuration;

sealed record RateLimitSettings(int RequestsPerMinute, int FailuresPerMinute);

/// <param name="TokenLifetime">From minting on.</param>
/// <param name="MaxConcurrent">Running at once, in all.</param>
/// <param name="PerAddress">Of those, for one client address; 0 is no cap.</param>
/// <param name="PerLicense">Of those, for one license; 0 is no cap.</param>
/// <param name="MinimumBytesPerSecond">0 allows any speed.</param>
sealed record DownloadSettings(TimeSpan TokenLifetime, int MaxConcurrent, int PerAddress, int PerLicense, int MinimumBytesPerSecond);

/// <param name="Max">Open at once, in all.</param>
/// <param name="PerAddress">Of those, for one client address that is no listed proxy; 0 is no cap.</param>
/// <param name="HeaderTimeout">For the head of a request.</param>
/// <param name="BodyTimeout">For the body of a request that uploads no file.</param>
sealed record ConnectionSettings(int Max, int PerAddress, TimeSpan HeaderTimeout, TimeSpan BodyTimeout);

/// <param name="RequestsPerMinute">Of one API key or operator, in any 60 seconds; 0 is no limit.</param>
/// <param name="MaxUploadBytes">Of one file.</param>
sealed record AdminSettings(int RequestsPerMinute, long MaxUploadBytes);
sealed record ActivitySettings(int KeepDays);

sealed record LogSettings(LogLevel Level, string Format);

/// <summary>Everything an operator can set, read once at start.</summary>
sealed record Settings(
    string Data,
    string[] Urls,
    Uri? PublicUrl,
    IPNetwork[] TrustedProxies,
    RateLimitSettings RateLimit,
    DownloadSettings Downloads,
    BlobSettings Blobs,
    DatabaseSettings Database,
    RedisSettings Redis,
    string? SecretsDirectory,
    AdminSettings Admin,
    ActivitySettings Activity,
    LogSettings Log,
    TelemetrySettings Telemetry,
    ConnectionSettings Connections,
    TimeSpan ShutdownTimeout,
    TimeSpan ShutdownDelay)
{
    public const string EnvironmentPrefix = "LATCHKEY_";

    /// <summary>From where these were read; nobody else's business than <see cref="SettingsInUse"/>.</summary>
    public IConfiguration? From { get; init; }

    /// <summary>What links begin with: the public URL, else scheme and host of the request. No slash at its end.</summary>
    public string HomeOf(HttpRequest request) =>
        PublicUrl is { } url ? url.AbsoluteUri.TrimEnd('/') : $"{request.Scheme}://{request.Host.ToUriComponent()}";

    /// <summary><c>appsettings.json</c> in the working directory, then the environment, then the command line.</summary>
    /// <exception cref="SettingsException">The file is not JSON.</exception>
    public static IConfiguration Sources(IEnumerable<KeyValuePair<string, string?>> commandLine)
    {
        var file = Path.GetFullPath("appsettings.json");
        try
        {
            return new ConfigurationBuilder()
                .AddJsonFile(file, optional: true, reloadOnChange: false)
                .AddEnvironmentVariables(EnvironmentPrefix)
                .AddInMemoryCollection(commandLine)
                .Build();
        }
        catch (Exception failure) when (failure is InvalidDataException or FormatException or IOException or UnauthorizedAccessException)
        {
            throw new SettingsException([$"{file} cannot be read: {(failure.InnerException ?? failure).Message}"]);
        }
    }

    /// <exception cref="SettingsException">Names every setting that is wrong, with what it may be.</exception>
    public static Settings Read(IConfiguration sources, out IReadOnlyList<string> unknown)
    {
        var from = new SettingsReader(sources);
        var settings = Read(from);
        unknown = from.Unknown();
        return from.Faults.Count > 0 ? throw new SettingsException(from.Faults) : settings with { From = sources };
    }

    /// <summary>Reads anew, for what the reader noted on its way.</summary>
    public static SettingsReader Retrace(IConfiguration sources)
    {
        var from = new SettingsReader(sources);
        Read(from);
        return from;
    }

    /// <summary>The names of all settings there are.</summary>
    public static IReadOnlyList<string> Names() => Retrace(new ConfigurationBuilder().Build()).Known;

    static Settings Read(SettingsReader from)
    {
        return new Settings(
            from.Text("Data", "./data"),
            from.Urls("Urls", "http://127.0.0.1:8080"),
            from.PublicUrl("PublicUrl"),
            from.Networks("TrustedProxies"),
            new RateLimitSettings(
                from.Whole("RateLimit:RequestsPerMinute", 60, 0, 1_000_000_000, "0 turns the limit off"),
                from.Whole("RateLimit:FailuresPerMinute", 20, 0, 1_000_000_000, "0 turns the limit off")),
            new DownloadSettings(
                from.Duration("Downloads:TokenLifetime", TimeSpan.FromDays(1), TimeSpan.FromMinutes(1), TimeSpan.FromDays(365)),
                from.Whole("Downloads:MaxConcurrent", 1000, 1, 100_000),
                from.Whole("Downloads:PerAddress", 200, 0, 100_000, "0 turns the cap off"),
                from.Whole("Downloads:PerLicense", 100, 0, 100_000, "0 turns the cap off"),
                from.Whole("Downloads:MinimumBytesPerSecond", 1024, 0, 1_000_000_000, "0 allows any speed")),
            BlobSettings.Read(from),
            DatabaseSettings.Read(from),
            RedisSettings.Read(from),
            from.TextOrNull("Secrets:Directory"),
            new AdminSettings(
                from.Whole("Admin:RequestsPerMinute", 600, 0, 1_000_000_000, "0 turns the limit off"),
                from.Long("Uploads:MaxBytes", 10L << 30, 1, 1L << 50)),
            new ActivitySettings(from.Whole("Activity:KeepDays", 90, 1, 3650)),
            new LogSettings(
                from.OneOf("Log:Level", "Information", "Debug", "Information", "Warning", "Error") switch
                {
                    "Debug" => LogLevel.Debug,
                    "Warning" => LogLevel.Warning,
                    "Error" => LogLevel.Error,
                    _ => LogLevel.Information,
                },
                from.OneOf("Log:Format", "auto", "auto", "text", "json")),
            TelemetrySettings.Read(from),
            new ConnectionSettings(
                from.Whole("Connections:Max", 12_000, 10, 1_000_000),
                from.Whole("Connections:PerAddress", 1000, 0, 1_000_000, "0 turns the cap off"),
                from.Duration("Connections:HeaderTimeout", TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10)),
                from.Duration("Connections:BodyTimeout", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10))),
            from.Duration("ShutdownTimeout", TimeSpan.FromSeconds(30), TimeSpan.Zero, TimeSpan.FromHours(24)),
            from.Duration("ShutdownDelay", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromMinutes(10)));
    }
}

/// <summary>One or more settings are wrong; the message has a line for each.</summary>
sealed class SettingsException(IReadOnlyList<string> faults) : Exception(string.Join(Environment.NewLine, faults))
{
    public IReadOnlyList<string> Faults => faults;
}
