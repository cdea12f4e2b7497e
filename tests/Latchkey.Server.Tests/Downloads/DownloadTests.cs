using System.Security.Cryptography;
using Latchkey.Server.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Latchkey.Server.Tests.Downloads;

/// <summary>Downloads as the contract has them; also run out of a bucket, below.</summary>
public class DownloadTests : IAsyncLifetime
{
    readonly byte[] _file = RandomNumberGenerator.GetBytes(100_000);
    TestServer _server = null!;
    string _key = "";

    protected virtual (string Name, string Value)[] Store => [];

    /// <summary>The file on the disk that holds the first product's file.</summary>
    private protected virtual string StoredBy(TestServer server) => server.WithDb(db => server.Files.PathOf(db.Artifacts.Single().BlobId));

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.Run([("TrustedProxies:0", "127.0.0.1"), .. Store]);
        _key = _server.Issue(_server.AddProduct().Id, "example.com").LicenseKey!;
        _server.Publish(1, _file, "product.zip");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    Task<string> Mint() => _server.Http.MintPathOf(_key, "example.com", 1);

    Task<Reply> Get(string path, params (string, string)[] headers) => _server.Http.Get(path, headers);

    Task<Reply> Head(string path) => _server.Http.Read(new HttpRequestMessage(HttpMethod.Head, path));

    static void AssertDead(Reply reply, int status, string code) =>
        Assert.Equal((status, $"{{\"success\":false,\"message\":\"Invalid or expired download token\",\"error_code\":\"{code}\"}}"), (reply.Status, reply.Text));

    [Fact]
    public async Task The_file_comes_with_all_that_describes_it()
    {
        var reply = await Get(await Mint());
        Assert.Equal(200, reply.Status);
        Assert.Equal(_file, reply.Bytes);
        Assert.Equal("application/zip", reply.Header("Content-Type"));
        Assert.Equal("attachment; filename=\"product.zip\"; filename*=UTF-8''product.zip", reply.Header("Content-Disposition"));
        Assert.Equal("100000", reply.Header("Content-Length"));
        Assert.Equal("bytes", reply.Header("Accept-Ranges"));
        Assert.Equal($"\"{Convert.ToHexStringLower(SHA256.HashData(_file))}\"", reply.Header("ETag"));
        Assert.Equal($"sha-256=:{Convert.ToBase64String(SHA256.HashData(_file))}:", reply.Header("Repr-Digest"));
        Assert.Null(reply.Header("Transfer-Encoding"));
    }

    [Fact]
    public async Task A_last_segment_is_accepted_and_ignored()
    {
        Assert.Equal(200, (await Get(await Mint() + "/app.zip")).Status);
        Assert.Equal(404, (await Get(await Mint() + "/a/b.zip")).Status);
    }

    [Fact]
    public async Task A_second_get_is_410_and_an_unknown_token_404()
    {
        var path = await Mint();
        Assert.Equal(200, (await Get(path)).Status);
        AssertDead(await Get(path), 410, "DOWNLOAD_TOKEN_USED");
        AssertDead(await Get("/api/license/download-file/" + new string('0', 64)), 404, "INVALID_DOWNLOAD_TOKEN");
        AssertDead(await Get(path.ToUpperInvariant().Replace("/API/LICENSE/DOWNLOAD-FILE", "/api/license/download-file")), 404, "INVALID_DOWNLOAD_TOKEN");
    }

    [Fact]
    public async Task Head_and_prefetch_never_spend_it()
    {
        var path = await Mint();
        var head = await Head(path);
        Assert.Equal((200, "100000", 0), (head.Status, head.Header("Content-Length"), head.Bytes.Length));
        foreach (var (name, value) in new[] { ("Sec-Purpose", "prefetch"), ("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch"), ("Purpose", "preview"), ("X-Purpose", "preview"), ("X-Moz", "prefetch") })
        {
            var preview = await Get(path, (name, value));
            Assert.Equal((204, 0), (preview.Status, preview.Bytes.Length));
        }

        Assert.Equal(200, (await Get(path)).Status);
        Assert.Equal(410, (await Head(path)).Status);
        Assert.Equal(410, (await Get(path, ("Sec-Purpose", "prefetch"))).Status);
    }

    [Fact]
    public async Task It_lives_exactly_86400_seconds()
    {
        var (one, other) = (await Mint(), await Mint());
        _server.Clock.Advance(TimeSpan.FromSeconds(86_400) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(200, (await Get(one)).Status);
        _server.Clock.Advance(TimeSpan.FromMilliseconds(1));
        AssertDead(await Get(other), 410, "DOWNLOAD_TOKEN_EXPIRED");
        AssertDead(await Get(one), 410, "DOWNLOAD_TOKEN_USED");
        Assert.Equal(410, (await Head(other)).Status);
    }

    [Theory]
    [InlineData("2026-03-28T12:00:00Z")]
    [InlineData("2026-10-24T12:00:00Z")]
    public async Task It_lives_as_long_when_the_clocks_change(string before)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse(before, System.Globalization.CultureInfo.InvariantCulture));
        clock.SetLocalTimeZone(TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"));
        await using var server = await TestServer.Run(TempDirectory.Make(), clock);
        var license = server.Issue(server.AddProduct().Id, "example.com");
        server.Publish(1, [1]);
        var path = await server.Http.MintPathOf(license.LicenseKey!, "example.com", 1);
        clock.AdjustTime(clock.GetUtcNow() + TimeSpan.FromSeconds(86_399));
        Assert.Equal(200, (await server.Http.Read(new HttpRequestMessage(HttpMethod.Head, path))).Status);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(410, (await server.Http.Get(path)).Status);
    }

    [Fact]
    public async Task It_is_forgotten_a_month_after_it_expired()
    {
        var path = await Mint();
        _server.Clock.AdjustTime(_server.Clock.GetUtcNow() + TimeSpan.FromDays(31) - TimeSpan.FromMinutes(1));
        Assert.Equal(410, (await Get(path)).Status);
        for (var hours = 0; hours < 3; hours++) _server.Clock.Advance(TimeSpan.FromHours(1));

        // The sweep runs on the writer's thread; a mint behind it in the queue says that it is through.
        for (var tries = 0; tries < 100 && (await Get(path)).Status != 404; tries++) await Mint();
        AssertDead(await Get(path), 404, "INVALID_DOWNLOAD_TOKEN");
    }

    [Theory]
    [InlineData("suspend")]
    [InlineData("revoke")]
    [InlineData("expire")]
    public async Task It_is_dead_while_its_license_is(string what)
    {
        var path = await Mint();
        if (what == "suspend") _server.Operate(l => l.Suspend("1"));
        if (what == "revoke") _server.Operate(l => l.Revoke("1"));
        if (what == "expire") _server.Operate(l => l.Edit("1", new(null, null, TestServer.Start, false)));
        AssertDead(await Get(path), 410, "DOWNLOAD_TOKEN_EXPIRED");
        Assert.Equal(410, (await Head(path)).Status);
    }

    [Fact]
    public async Task A_file_that_is_missing_or_cut_spends_nothing()
    {
        var path = await Mint();
        var stored = StoredBy(_server);
        File.Move(stored, stored + ".away");
        var reply = await Get(path);
        Assert.Equal((503, "SERVICE_UNAVAILABLE", "5"), (reply.Status, reply.Code, reply.Header("Retry-After")));
        await File.WriteAllBytesAsync(stored, [1, 2, 3]);
        Assert.Equal(503, (await Get(path)).Status);
        File.Move(stored + ".away", stored, overwrite: true);
        Assert.Equal(_file, (await Get(path)).Bytes);
    }

    [Theory]
    [InlineData("bytes=0-", 0, 100_000)]
    [InlineData("bytes=0-99999", 0, 100_000)]
    [InlineData("bytes=60000-", 60_000, 40_000)]
    [InlineData("bytes=20000-", 20_000, 80_000)]
    [InlineData("bytes=-500", 99_500, 500)]
    [InlineData("bytes=99999-200000", 99_999, 1)]
    public async Task One_range_is_answered_with_206_where_the_client_holds_the_rest(string range, int from, int length)
    {
        var path = await Mint();
        var reply = await Get(path, ("Range", range), ("If-Range", (await Head(path)).Header("ETag")!));
        Assert.Equal(_file.AsSpan(from, length).ToArray(), reply.Bytes);
        if (length == _file.Length) Assert.Equal(200, reply.Status);
        else Assert.Equal((206, $"bytes {from}-{from + length - 1}/100000"), (reply.Status, reply.Header("Content-Range")));
        AssertDead(await Get(path), 410, "DOWNLOAD_TOKEN_USED");
    }

    /// <summary>What a client holds of an older file, or a look at the end of a zip, must not use the link up.</summary>
    [Theory]
    [InlineData("bytes=60000-")]
    [InlineData("bytes=-1")]
    public async Task A_tail_that_nobody_asked_for_with_if_range_is_the_whole_file_on_a_fresh_link(string range)
    {
        var reply = await Get(await Mint(), ("Range", range));
        Assert.Equal((200, _file.Length), (reply.Status, reply.Bytes.Length));
    }

    [Theory]
    [InlineData("bytes=0-1,5-6")]
    [InlineData("lines=1-2")]
    [InlineData("bytes=5-1")]
    [InlineData("nonsense")]
    public async Task What_is_not_one_range_of_bytes_is_the_whole_file(string range)
    {
        var reply = await Get(await Mint(), ("Range", range));
        Assert.Equal((200, _file.Length), (reply.Status, reply.Bytes.Length));
    }

    [Fact]
    public async Task A_range_outside_the_file_is_416_and_spends_nothing()
    {
        var path = await Mint();
        var reply = await Get(path, ("Range", "bytes=100000-"));
        Assert.Equal((416, "RANGE_NOT_SATISFIABLE", "bytes */100000"), (reply.Status, reply.Code, reply.Header("Content-Range")));
        Assert.Equal(200, (await Get(path)).Status);
    }

    [Fact]
    public async Task A_range_of_another_file_is_the_whole_of_this()
    {
        Assert.Equal(200, (await Get(await Mint(), ("Range", "bytes=5-"), ("If-Range", "\"other\""))).Status);
        var etag = (await Head(await Mint())).Header("ETag")!;
        Assert.Equal(206, (await Get(await Mint(), ("Range", "bytes=5-"), ("If-Range", etag))).Status);
    }

    [Fact]
    public async Task What_a_claimant_has_not_finished_is_its_alone_and_goes_on_where_it_stopped()
    {
        var path = await Mint();
        (string, string) mine = ("X-Forwarded-For", "203.0.113.7"), other = ("X-Forwarded-For", "203.0.113.8");
        var first = await Get(path, mine, ("Range", "bytes=0-39999"));
        Assert.Equal(206, first.Status);
        AssertDead(await Get(path, other), 410, "DOWNLOAD_TOKEN_USED");
        AssertDead(await Get(path, other, ("Range", "bytes=40000-")), 410, "DOWNLOAD_TOKEN_USED");

        // Beyond what was handed over there is nothing to go on from: the whole file.
        var rest = await Get(path, mine, ("Range", "bytes=40000-"), ("If-Range", first.Header("ETag")!));
        Assert.Equal(206, rest.Status);
        Assert.Equal(_file, first.Bytes.Concat(rest.Bytes));
        AssertDead(await Get(path, mine), 410, "DOWNLOAD_TOKEN_USED");
    }

    [Fact]
    public async Task A_claimant_that_asks_beyond_what_it_got_is_refused_and_may_start_again()
    {
        var path = await Mint();
        await Get(path, ("Range", "bytes=0-9"));
        AssertDead(await Get(path, ("Range", "bytes=50000-")), 410, "DOWNLOAD_TOKEN_USED");
        Assert.Equal(_file, (await Get(path)).Bytes);
    }

    [Fact]
    public async Task The_number_of_attempts_is_bounded()
    {
        var path = await Mint();
        for (var i = 0; i < 250; i++) Assert.Equal(206, (await Get(path, ("Range", "bytes=0-9"))).Status);
        AssertDead(await Get(path), 410, "DOWNLOAD_TOKEN_USED");
    }

    [Theory]
    [InlineData("über größe.zip", "attachment; filename=\"_ber gr__e.zip\"; filename*=UTF-8''%C3%BCber%20gr%C3%B6%C3%9Fe.zip", "application/zip")]
    [InlineData("a\"b;c'.tar.gz", "attachment; filename=\"a_b_c_.tar.gz\"; filename*=UTF-8''a%22b%3Bc%27.tar.gz", "application/gzip")]
    [InlineData("..hidden", "attachment; filename=\"hidden\"; filename*=UTF-8''..hidden", "application/octet-stream")]
    [InlineData("文件.zip", "attachment; filename=\"__.zip\"; filename*=UTF-8''%E6%96%87%E4%BB%B6.zip", "application/zip")]
    [InlineData("$(rm -rf).exe", "attachment; filename=\"_(rm -rf).exe\"; filename*=UTF-8''%24%28rm%20-rf%29.exe", "application/vnd.microsoft.portable-executable")]
    public async Task A_file_name_is_data_and_stays_plain_ascii_for_old_clients(string name, string disposition, string type)
    {
        _server.Publish(1, [1, 2, 3], name);
        var reply = await Get(await Mint());
        Assert.Equal(disposition, reply.Header("Content-Disposition"));
        Assert.Equal(type, reply.Header("Content-Type"));
    }
}

/// <summary>The same, with the files in a bucket.</summary>
public sealed class DownloadsOutOfABucketTests(DownloadsOutOfABucketTests.Bucket bucket) : DownloadTests, IClassFixture<DownloadsOutOfABucketTests.Bucket>
{
    public sealed class Bucket : IAsyncLifetime
    {
        internal S3 S3 { get; private set; } = null!;

        public async ValueTask InitializeAsync() => S3 = await S3.Run();

        public ValueTask DisposeAsync() => S3.DisposeAsync();
    }

    protected override (string Name, string Value)[] Store => bucket.S3.Settings;

    private protected override string StoredBy(TestServer server)
    {
        var id = server.WithDb(db => db.Artifacts.Single().BlobId);
        return bucket.S3.Objects.Single(pair => pair.Key.EndsWith(id, StringComparison.Ordinal)).Value;
    }
}
