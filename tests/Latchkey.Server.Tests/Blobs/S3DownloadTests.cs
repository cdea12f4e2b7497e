using System.Security.Cryptography;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Blobs;

/// <summary>Downloads out of a bucket, on good lines and bad ones.</summary>
public sealed class S3DownloadTests : IAsyncLifetime
{
    /// <summary>More than a part of an upload, and than any buffer on the way.</summary>
    const int Size = 9_000_000;

    readonly byte[] _file = RandomNumberGenerator.GetBytes(Size);
    S3 _s3 = null!;
    TestServer _server = null!;
    string _key = "";

    public async ValueTask InitializeAsync()
    {
        _s3 = await S3.Run();
        _server = await TestServer.Run([.. _s3.Settings, ("TrustedProxies:0", "127.0.0.1")]);
        _key = _server.Issue(_server.AddProduct().Id, "example.com").LicenseKey!;
        _server.Publish(1, _file);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _s3.DisposeAsync();
    }

    Task<string> Mint() => _server.Http.MintPathOf(_key, "example.com", 1);

    string ETag => $"\"{Convert.ToHexStringLower(SHA256.HashData(_file))}\"";

    static bool IsRead(Seen request) => request.Method == "GET" && request.Range is not null;

    [Theory]
    [InlineData(1)]
    [InlineData(60_000)]
    [InlineData(70_000)]
    [InlineData(8 << 20)]
    [InlineData((16 << 20) + 1)]
    public async Task What_was_uploaded_comes_back_once_with_all_that_describes_it(int size)
    {
        var file = RandomNumberGenerator.GetBytes(size);
        _server.Publish(1, file, "plugin.zip");
        var path = await Mint();
        var reply = await _server.Http.Get(path);
        Assert.Equal(200, reply.Status);
        Same.Bytes(file, reply.Bytes);
        Assert.Equal("application/zip", reply.Header("Content-Type"));
        Assert.Equal($"\"{Convert.ToHexStringLower(SHA256.HashData(file))}\"", reply.Header("ETag"));
        Assert.Equal(size.ToString(), reply.Header("Content-Length"));
        Assert.Equal(410, (await _server.Http.Get(path)).Status);
    }

    [Fact]
    public async Task The_bucket_has_it_under_the_prefix_and_an_id_and_the_upload_came_in_parts()
    {
        var (key, stored) = Assert.Single(_s3.Objects);
        Assert.Matches("^latchkey/[0-9a-f]{16}/[0-9a-f]{32}$", key);
        Same.Bytes(_file, await File.ReadAllBytesAsync(stored, TestContext.Current.CancellationToken));
        Assert.Equal(2, _s3.Line.Requests.Count(request => request.Method == "PUT" && request.Query.Contains("partNumber=", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_transfer_is_read_as_one_stream_and_not_piece_by_piece()
    {
        var before = _s3.Line.Requests.Count(IsRead);
        await _server.Http.Get(await Mint());
        Assert.Equal(2, _s3.Line.Requests.Count(IsRead) - before);
    }

    [Fact]
    public async Task A_resumption_reads_from_where_it_begins_and_ends_with_the_whole_file()
    {
        var path = await Mint();
        var first = await _server.Http.Get(path, ("Range", "bytes=0-2999999"));
        Assert.Equal((206, 3_000_000), (first.Status, first.Bytes.Length));
        Assert.Equal(410, (await _server.Http.Get(path, ("X-Forwarded-For", "203.0.113.9"), ("Range", "bytes=3000000-"))).Status);
        var rest = await _server.Http.Get(path, ("Range", "bytes=3000000-"), ("If-Range", ETag));
        Assert.Equal(206, rest.Status);
        Same.Bytes(_file, [.. first.Bytes, .. rest.Bytes]);
        Assert.Contains(_s3.Line.Requests, request => request.Range == $"bytes=3000000-{Size - 4096 - 1}");
        Assert.Equal(410, (await _server.Http.Get(path)).Status);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(600_000)]
    public async Task Of_16_clients_at_once_exactly_one_is_served(int size)
    {
        var file = RandomNumberGenerator.GetBytes(size);
        _server.Publish(1, file);
        for (var i = 0; i < 10; i++)
        {
            var path = await Mint();
            var replies = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => _server.Http.Get(path)));
            Same.Bytes(file, Assert.Single(replies, reply => reply.Status == 200).Bytes);
            Assert.Equal(15, replies.Count(reply => (reply.Status, reply.Code) == (410, "DOWNLOAD_TOKEN_USED")));
        }
    }

    [Theory]
    [InlineData("Closed")]
    [InlineData("Error")]
    [InlineData("Silent")]
    public async Task A_store_that_is_down_is_503_with_retry_after_and_spends_nothing(string how)
    {
        var path = await Mint();
        _s3.Line.Breaks = _ => Enum.Parse<Fault>(how);
        var reply = await _server.Http.Get(path);
        Assert.Equal((503, "SERVICE_UNAVAILABLE", "5"), (reply.Status, reply.Code, reply.Header("Retry-After")));
        var token = _server.WithDb(db => db.DownloadTokens.Single());
        Assert.Equal((null, null, 0), (token.ClaimedBy, token.SpentAt, token.Attempts));
        _s3.Line.Breaks = _ => Fault.None;
        Assert.Equal(200, (await _server.Http.Get(path, ("X-Forwarded-For", "203.0.113.9"))).Status);
    }

    /// <summary>The store answers that the file is there, and fails when it is read.</summary>
    [Theory]
    [InlineData("Closed")]
    [InlineData("Error")]
    [InlineData("Short")]
    public async Task A_store_that_fails_before_the_first_byte_is_503_and_claims_nothing(string how)
    {
        var path = await Mint();
        _s3.Line.Breaks = request => request.Range?.StartsWith("bytes=0-", StringComparison.Ordinal) == true ? Enum.Parse<Fault>(how) : Fault.None;
        var reply = await _server.Http.Get(path);
        Assert.Equal((503, "5"), (reply.Status, reply.Header("Retry-After")));
        Assert.Null(_server.WithDb(db => db.DownloadTokens.Single().ClaimedBy));
        _s3.Line.Breaks = _ => Fault.None;
        Same.Bytes(_file, (await _server.Http.Get(path)).Bytes);
    }

    [Theory]
    [InlineData("Truncated")]
    [InlineData("Stalled")]
    public async Task A_body_that_breaks_off_is_asked_for_again_from_there_and_the_client_sees_nothing_of_it(string how)
    {
        var path = await Mint();
        var breaks = 2;
        _s3.Line.Breaks = request => IsRead(request) && !request.Range!.EndsWith($"-{Size - 1}", StringComparison.Ordinal) && breaks-- > 0 ? Enum.Parse<Fault>(how) : Fault.None;
        var reply = await _server.Http.Get(path);
        Assert.Equal(200, reply.Status);
        Same.Bytes(_file, reply.Bytes);
        Assert.True(breaks < 0);
    }

    [Fact]
    public async Task A_body_that_breaks_off_for_good_is_never_handed_over_as_complete_and_its_claimant_resumes()
    {
        var path = await Mint();
        var first = true;
        _s3.Line.Breaks = request =>
        {
            if (!IsRead(request) || request.Range!.EndsWith($"-{Size - 1}", StringComparison.Ordinal)) return Fault.None;
            if (!first) return Fault.Error;
            first = false;
            return Fault.Truncated;
        };
        var got = await Drain(path);
        Assert.InRange(got.Length, 1, Size - 4096);
        var token = await Poll.Until(() => Task.FromResult(_server.WithDb(db => db.DownloadTokens.Single())), token => token.Transfer is null);
        Assert.Null(token.SpentAt);
        _s3.Line.Breaks = _ => Fault.None;
        Assert.Equal(410, (await _server.Http.Get(path, ("X-Forwarded-For", "203.0.113.9"))).Status);
        var rest = await _server.Http.Get(path, ("Range", $"bytes={got.Length}-"), ("If-Range", ETag));
        Same.Bytes(_file, [.. got, .. rest.Bytes]);
        Assert.Equal(410, (await _server.Http.Get(path)).Status);
    }

    [Fact]
    public async Task A_damaged_body_is_never_handed_over_as_complete_and_cannot_be_resumed_but_begun_again()
    {
        var path = await Mint();
        _s3.Line.Breaks = request => request.Range?.StartsWith("bytes=0-", StringComparison.Ordinal) == true ? Fault.Damaged : Fault.None;
        var got = await Drain(path);
        Assert.InRange(got.Length, 1, Size - 4096);
        await Poll.Until(() => Task.FromResult(_server.WithDb(db => db.DownloadTokens.Single())), token => token.Transfer is null);
        _s3.Line.Breaks = _ => Fault.None;
        Assert.Equal(410, (await _server.Http.Get(path, ("Range", $"bytes={got.Length}-"), ("If-Range", ETag))).Status);
        Same.Bytes(_file, (await _server.Http.Get(path)).Bytes);
        Assert.Equal(410, (await _server.Http.Get(path)).Status);
    }

    [Fact]
    public async Task A_small_file_that_is_damaged_leaves_nothing_and_spends_nothing()
    {
        var file = RandomNumberGenerator.GetBytes(30_000);
        _server.Publish(1, file);
        var path = await Mint();
        _s3.Line.Breaks = request => IsRead(request) ? Fault.Damaged : Fault.None;
        Assert.Equal(503, (await _server.Http.Get(path)).Status);
        _s3.Line.Breaks = _ => Fault.None;
        Assert.Equal(file, (await _server.Http.Get(path)).Bytes);
    }

    [Fact]
    public async Task An_object_that_is_missing_is_503_and_spends_nothing()
    {
        var path = await Mint();
        var stored = _s3.Objects.Single().Value;
        File.Move(stored, stored + ".away");
        Assert.Equal(503, (await _server.Http.Get(path)).Status);
        Assert.Equal(503, (await _server.Http.Read(new HttpRequestMessage(HttpMethod.Head, path))).Status);
        File.Move(stored + ".away", stored);
        Assert.Equal(200, (await _server.Http.Get(path)).Status);
    }

    /// <returns>What came before it broke off, which it must.</returns>
    async Task<byte[]> Drain(string path)
    {
        using var response = await _server.Http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(Size, response.Content.Headers.ContentLength);
        var body = await response.Content.ReadAsStreamAsync();
        var got = new MemoryStream();
        await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(got));
        return got.ToArray();
    }
}
