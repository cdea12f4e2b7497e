using System.Collections.Concurrent;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Time.Testing;

namespace Latchkey.Server.Tests.Support;

/// <summary>
/// The real server in this process, on a real port and a real data directory, with a clock that a test
/// moves. Limits are off unless a test sets them. What an operator does goes through the same
/// operations as the command line's.
/// </summary>
sealed class TestServer : IAsyncDisposable
{
    readonly WebApplication _app;
    readonly bool _ownsDirectory;

    TestServer(WebApplication app, DataDirectory data, FakeTimeProvider clock, CapturedLog log, bool ownsDirectory)
    {
        (_app, Data, Clock, Log, _ownsDirectory) = (app, data, clock, log, ownsDirectory);
        Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Http = Client();
    }

    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public string Url { get; }
    public int Port => new Uri(Url).Port;
    public DataDirectory Data { get; }
    public FakeTimeProvider Clock { get; }
    public CapturedLog Log { get; }
    public HttpClient Http { get; }
    public IServiceProvider Services => _app.Services;

    public static Task<TestServer> Run(params (string Name, string Value)[] settings) => Run(TempDirectory.Make(), null, settings);

    public static async Task<TestServer> Run(string directory, FakeTimeProvider? clock, params (string Name, string Value)[] settings)
    {
        clock ??= new FakeTimeProvider(Start);
        var all = new Dictionary<string, string?>
        {
            ["Data"] = directory,
            ["Urls"] = "http://127.0.0.1:0",
            ["RateLimit:RequestsPerMinute"] = "0",
            ["RateLimit:FailuresPerMinute"] = "0",
            ["Downloads:PerAddress"] = "0",
            ["Downloads:PerLicense"] = "0",
            ["ShutdownTimeout"] = "00:00:05",
            ["Log:Format"] = "json",
        };
        foreach (var (name, value) in TestDatabase.Settings(directory)) all[name] = value;

        // Out of one machine, everything is.
        if (TestDatabase.IsPostgreSql && settings.Any(setting => setting.Name.StartsWith("RateLimit:", StringComparison.Ordinal))) foreach (var (name, value) in RedisServer.OfRun.Settings()) all[name] = value;
        foreach (var (name, value) in settings) all[name] = value;
        var read = Settings.Read(new ConfigurationBuilder().AddInMemoryCollection(all).Build(), out _);
        TestDatabase.Prepare(directory);
        var data = DataDirectory.Open(read, create: true, clock);
        var log = new CapturedLog();
        var app = Commands.Server.Build(read, data, clock, logging => logging.ClearProviders().AddProvider(log));
        await app.StartAsync();
        return new TestServer(app, data, clock, log, ownsDirectory: true);
    }

    /// <summary>A client with connections of its own.</summary>
    public HttpClient Client() => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false, MaxConnectionsPerServer = 64 })
    {
        BaseAddress = new Uri(Url),
        Timeout = TimeSpan.FromSeconds(60),
    };

    public T Operate<T>(Func<LicenseOperations, T> action) => Work(work => action(new LicenseOperations(work)));

    public T OperateProducts<T>(Func<ProductOperations, T> action) => Work(work => action(new ProductOperations(work)));

    public T WithDb<T>(Func<LatchkeyDb, T> action) => Work(work => action(work.Db));

    /// <summary>As the command line does it.</summary>
    public T Work<T>(Func<UnitOfWork, T> action)
    {
        using var work = UnitOfWork.Open(Data, Clock, Actor.CommandLine());
        return action(work);
    }

    public ProductView AddProduct(
        string name = "Plugin", string prefix = "PLUG", long? id = null, bool apiDownload = true, bool bindOnFirstUse = true) =>
        OperateProducts(products => products.Add(id, new ProductFields(name, prefix, null, apiDownload, bindOnFirstUse)));

    public LicenseView Issue(long product, params string[] domains) => Operate(licenses => licenses.Issue(new IssueLicense(product, domains)));

    /// <summary>A release of one file; its version, unless it is named, follows the highest there is.</summary>
    public ReleaseView Publish(long product, byte[] content, string fileName = "product.zip", string? version = null) =>
        Work(work => new StoreArtifact(work).Publish(product, new ReleaseFields(version), new Upload(new MemoryStream(content), fileName)).GetAwaiter().GetResult());

    /// <summary>A release of one file that is not published.</summary>
    public ReleaseView Draft(long product, string version, byte[] content, string fileName = "product.zip") => Work(work =>
    {
        var release = new ReleaseOperations(work).Add(product, new ReleaseFields(version));
        return new StoreArtifact(work).Attach(release.Id, new Upload(new MemoryStream(content), fileName)).GetAwaiter().GetResult();
    });

    /// <summary>Names the database, for <see cref="Tables"/>.</summary>
    public string Database() => DataDirectory.DatabaseFile(Data.Path);

    /// <summary>Where the files lie, of a store on disk.</summary>
    public FileBlobStore Files => (FileBlobStore)Data.Blobs;

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        Data.Database.Dispose();
        if (_ownsDirectory) TempDirectory.Delete(Data.Path);
    }

    /// <summary>Stops the server, and leaves its data for the next one.</summary>
    public async Task Stop()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        Data.Database.Dispose();
    }
}

/// <summary>What the server logged: each event's message and all of its values, as one line.</summary>
sealed class CapturedLog : ILoggerProvider
{
    readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new Logger(_lines, categoryName);

    public void Dispose()
    {
    }

    sealed class Logger(ConcurrentQueue<string> lines, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"{logLevel} {category} {formatter(state, exception)} {exception}");
    }
}
