using System.Diagnostics;
using System.Text.Json;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Nodes;

/// <summary>PostgreSQL away, restarted or frozen: 503 in time, never a verdict on a license, and back without a restart.</summary>
[Trait("Database", "PostgreSql")]
public sealed class DatabaseFaultTests : IAsyncLifetime
{
    static readonly TimeSpan InTime = TimeSpan.FromSeconds(2.5);

    readonly PostgreSqlServer _database = new(durable: true);
    readonly string _directory = TempDirectory.Make();
    TestServer _server = null!;
    string _key = "";

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.Run(_directory, null,
            ("Database:Provider", "PostgreSql"), ("Database:ConnectionString", _database.ConnectionString("postgres")), ("Database:MigrateOnStart", "true"));
        _server.AddProduct();
        _server.Publish(1, [1, 2, 3]);
        _key = _server.Issue(1, "example.com").LicenseKey!;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task A_database_that_is_stopped_is_503_in_time_and_when_it_is_back_all_is_well_within_ten_seconds()
    {
        await Works();
        _database.Shutdown();
        await IsUnavailable();
        _database.Start();
        await IsBack();
    }

    [Fact]
    public async Task A_database_that_is_restarted_under_load_gives_no_wrong_answer()
    {
        using var end = new CancellationTokenSource();
        var load = Enumerable.Range(0, 8).Select(_ => Load(end.Token)).ToList();
        for (var i = 0; i < 2; i++)
        {
            _database.Shutdown(i == 0 ? "INT" : "QUIT");
            _database.Start();
            await IsBack();
        }

        await end.CancelAsync();
        var answers = (await Task.WhenAll(load)).SelectMany(statuses => statuses).ToList();
        Assert.Contains(200, answers);
        Assert.All(answers, status => Assert.Contains(status, new[] { 200, 503 }));
    }

    [Fact]
    public async Task A_database_that_is_frozen_is_503_in_time_however_many_ask()
    {
        await Works();
        _database.Signal("STOP");
        try
        {
            await IsUnavailable();
            var began = Stopwatch.GetTimestamp();
            var replies = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => _server.Http.Verify(_key, "example.com", 1)));
            Assert.All(replies, reply => Assert.Equal((503, "SERVICE_UNAVAILABLE"), (reply.Status, reply.Code)));

            // The test's own client has 64 connections: 200 requests are four turns.
            Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, 4 * InTime);
        }
        finally
        {
            _database.Signal("CONT");
        }

        await IsBack();
    }

    [Theory]
    [InlineData("Stream")]
    [InlineData("Accel")]
    public async Task A_claim_whose_answer_got_lost_uses_no_link_up(string delivery)
    {
        await using var server = await TestServer.Run(TempDirectory.Make(), null,
            ("Database:Provider", "PostgreSql"), ("Database:ConnectionString", _database.ConnectionString("postgres")), ("Blobs:Delivery", delivery), ("TrustedProxies:0", "127.0.0.1"),
            ("Secrets:Directory", Path.Combine(_directory, "secrets")), ("Blobs:Directory", Path.Combine(_directory, "files")));
        var links = new List<string>();
        for (var i = 0; i < 10; i++) links.Add(new Uri((await _server.Http.Mint(_key, "example.com", 1)).Json.GetProperty("data").Text("download_url")).PathAndQuery);
        var claims = links.ConvertAll(link => server.Http.Get(link));
        _database.Signal("STOP");
        var first = await Task.WhenAll(claims);
        _database.Signal("CONT");
        await IsBack();
        foreach (var (link, reply) in links.Zip(first))
        {
            if (reply.Status == 200) continue;
            Assert.Equal((503, "5"), (reply.Status, reply.Header("Retry-After")));
            await Poll.Until(async () => (await server.Http.Get(link)).Status, status => status == 200);
            Assert.Equal(410, (await server.Http.Get(link)).Status);
        }
    }

    async Task<List<int>> Load(CancellationToken end)
    {
        var statuses = new List<int>();
        while (!end.IsCancellationRequested)
        {
            var reply = await (statuses.Count % 3 == 0 ? _server.Http.Mint(_key, "example.com", 1) : _server.Http.Verify(_key, "example.com", 1));
            if (reply.Status == 503) Assert.Equal("5", reply.Header("Retry-After"));
            statuses.Add(reply.Status);
        }

        return statuses;
    }

    async Task Works()
    {
        Assert.Equal(200, (await _server.Http.Verify(_key, "example.com", 1)).Status);
        Assert.Equal(200, (await _server.Http.Mint(_key, "example.com", 1)).Status);
        Assert.Equal("ok", (await Ready()).GetProperty("database").GetString());
    }

    async Task<JsonElement> Ready() => JsonDocument.Parse((await _server.Http.Get("/readyz")).Text).RootElement;

    async Task IsUnavailable()
    {
        foreach (var ask in (Func<Task<Reply>>[])[() => _server.Http.Verify(_key, "example.com", 1), () => _server.Http.Verify("no-such-key", "example.com", 1), () => _server.Http.Mint(_key, "example.com", 1)])
        {
            var began = Stopwatch.GetTimestamp();
            var reply = await ask();
            Assert.Equal((503, "SERVICE_UNAVAILABLE", "5"), (reply.Status, reply.Code, reply.Header("Retry-After")));
            Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, InTime);
        }

        var ready = await _server.Http.Get("/readyz");
        Assert.Equal((503, "5"), (ready.Status, ready.Header("Retry-After")));
        Assert.Contains("\"database\":\"down\"", ready.Text);
        Assert.Equal(200, (await _server.Http.Get("/livez")).Status);
    }

    async Task IsBack()
    {
        var began = Stopwatch.GetTimestamp();
        await Poll.Until(async () => (await _server.Http.Get("/readyz")).Status, status => status == 200);
        await Poll.Until(async () => (await _server.Http.Mint(_key, "example.com", 1)).Status, status => status == 200);
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(10));
        await Works();
    }
}
