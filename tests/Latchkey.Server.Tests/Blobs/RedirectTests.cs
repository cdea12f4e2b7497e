using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Web;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Blobs;

/// <summary>The claim is ours, the sending the store's.</summary>
public sealed class RedirectTests : IAsyncLifetime
{
    const int Size = 9_000_000;

    readonly byte[] _file = RandomNumberGenerator.GetBytes(Size);
    readonly string _home = TempDirectory.Make();
    S3 _s3 = null!;
    TestServer _server = null!;
    string _key = "";

    public async ValueTask InitializeAsync()
    {
        _s3 = await S3.Run();
        _server = await TestServer.Run([.. _s3.Settings, ("Blobs:Delivery", "Redirect"), ("TrustedProxies:0", "127.0.0.1")]);
        _key = _server.Issue(_server.AddProduct().Id, "example.com").LicenseKey!;
        _server.Publish(1, _file, "über plugin.zip");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _s3.DisposeAsync();
        TempDirectory.Delete(_home);
    }

    Task<string> Mint() => _server.Http.MintPathOf(_key, "example.com", 1);

    async Task<int> Curl(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("curl", ["-sS", "-f", "-L", .. arguments]) { WorkingDirectory = _home, RedirectStandardError = true })!;
        await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    string State() => _server.Work(work => new Server.Downloads.DownloadOperations(work).List(new(), new Server.Data.PageRequest()).Items[0].State);

    [Fact]
    public async Task A_302_leads_to_the_file_for_a_minute_and_carries_its_name_and_type()
    {
        var path = await Mint();
        var reply = await _server.Http.Get(path);
        Assert.Equal((302, 0), (reply.Status, reply.Bytes.Length));
        Assert.Equal(("no-store, private", "no-referrer"), (reply.Header("Cache-Control"), reply.Header("Referrer-Policy")));
        var link = new Uri(reply.Header("Location")!);
        Assert.Equal(_s3.Line.Url, link.GetLeftPart(UriPartial.Authority));
        Assert.Equal("60", HttpUtility.ParseQueryString(link.Query)["X-Amz-Expires"]);
        using var http = new HttpClient();
        using var file = await http.GetAsync(link, TestContext.Current.CancellationToken);
        Same.Bytes(_file, await file.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal("application/zip", file.Content.Headers.ContentType!.ToString());
        Assert.Equal("attachment; filename=\"_ber plugin.zip\"; filename*=UTF-8''%C3%BCber%20plugin.zip", file.Content.Headers.NonValidated["Content-Disposition"].ToString());
    }

    [Fact]
    public async Task Curl_that_follows_gets_the_file_once_and_the_link_counts_as_handed_over()
    {
        var url = _server.Url + await Mint();
        Assert.Equal("issued", State());
        Assert.Equal(0, await Curl("-O", "-J", url));
        Same.Bytes(_file, await File.ReadAllBytesAsync(Path.Combine(_home, "_ber plugin.zip"), TestContext.Current.CancellationToken));
        Assert.Equal("handed_over", State());
        Assert.Equal(22, await Curl("-o", "again", url));
        Assert.Equal(410, (await _server.Http.Get(new Uri(url).AbsolutePath)).Status);
        var token = _server.WithDb(db => db.DownloadTokens.Single());
        Assert.Equal((1, (long)Size, (long)Size), (token.Attempts, token.BytesServed, token.HighWater));
    }

    [Fact]
    public async Task A_transfer_that_broke_off_at_the_store_is_resumed_by_its_claimant_alone()
    {
        var path = await Mint();
        _s3.Line.Breaks = request => request.Query.Contains("X-Amz-Signature", StringComparison.Ordinal) ? Fault.Truncated : Fault.None;
        Assert.NotEqual(0, await Curl("-C", "-", "-o", "file", _server.Url + path));
        Assert.InRange(new FileInfo(Path.Combine(_home, "file")).Length, 1, Size - 1);
        _s3.Line.Breaks = _ => Fault.None;
        Assert.Equal(410, (await _server.Http.Get(path, ("X-Forwarded-For", "203.0.113.9"), ("Range", "bytes=100-"))).Status);
        Assert.Equal(0, await Curl("-C", "-", "-o", "file", _server.Url + path));
        Same.Bytes(_file, await File.ReadAllBytesAsync(Path.Combine(_home, "file"), TestContext.Current.CancellationToken));
    }

    /// <summary>Each is charged to the end of the file, whether it gets there or not.</summary>
    [Fact]
    public async Task Resumptions_are_bounded_by_the_bytes_that_they_ask_for()
    {
        var file = new byte[40_000_000];
        _server.Publish(1, file);
        var path = await Mint();
        Assert.Equal(302, (await _server.Http.Get(path)).Status);
        var served = 1;
        while ((await _server.Http.Get(path, ("Range", "bytes=10000000-"))).Status == 302) Assert.True(++served < 10);

        // 40 MB, and 30 more; 1.5 times the file and 16 MiB for each resumption have no room for 30 again.
        var token = _server.WithDb(db => db.DownloadTokens.Single());
        Assert.True(token.BytesServed <= Server.Downloads.DownloadTokens.Bound(file.Length, token.Attempts), $"{token.BytesServed} after {token.Attempts}");
        Assert.Equal(2, served);
        Assert.Equal(302, (await _server.Http.Get(path, ("Range", string.Create(CultureInfo.InvariantCulture, $"bytes={file.Length - 1000}-")))).Status);
    }

    [Fact]
    public async Task A_link_for_a_part_is_signed_for_that_part_alone()
    {
        var path = await Mint();
        Assert.Equal(302, (await _server.Http.Get(path)).Status);
        var link = (await _server.Http.Get(path, ("Range", "bytes=1-1"))).Header("Location")!;

        // s3rver does not look at what is signed; S3 refuses a request whose signed headers are others.
        Assert.Equal("host;range", HttpUtility.ParseQueryString(new Uri(link).Query)["X-Amz-SignedHeaders"]);
        using var http = new HttpClient();
        using var asked = new HttpRequestMessage(HttpMethod.Get, link);
        asked.Headers.Add("Range", "bytes=1-1");
        using var part = await http.SendAsync(asked, TestContext.Current.CancellationToken);
        Same.Bytes(_file[1..2], await part.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_tail_that_nobody_proved_to_need_is_streamed_whole_so_that_the_link_is_not_used_up_for_it()
    {
        var reply = await _server.Http.Get(await Mint(), ("Range", "bytes=-100"));
        Assert.Equal((200, Size), (reply.Status, reply.Bytes.Length));
    }

    [Theory]
    [InlineData("ours")]
    [InlineData("the store's")]
    public async Task A_resumption_may_name_the_file_as_we_do_or_as_the_store_does(string whose)
    {
        var path = await Mint();
        using var http = new HttpClient();
        using var first = await http.GetAsync((await _server.Http.Get(path)).Header("Location"), TestContext.Current.CancellationToken);
        var tag = whose == "ours" ? $"\"{Convert.ToHexStringLower(SHA256.HashData(_file))}\"" : first.Headers.ETag!.ToString();
        Assert.Equal(302, (await _server.Http.Get(path, ("Range", "bytes=5000000-"), ("If-Range", tag))).Status);
        Assert.Equal(410, (await _server.Http.Get(path, ("Range", "bytes=5000000-"), ("If-Range", "\"another\""))).Status);
    }

    [Fact]
    public async Task Of_many_at_once_one_is_redirected()
    {
        for (var i = 0; i < 10; i++)
        {
            var path = await Mint();
            var replies = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => _server.Http.Get(path)));
            Assert.Single(replies, reply => reply.Status == 302);
            Assert.Equal(15, replies.Count(reply => reply.Status == 410));
        }
    }

    [Fact]
    public async Task A_store_that_is_down_or_a_file_that_is_missing_is_503_and_claims_nothing()
    {
        var path = await Mint();
        _s3.Line.Breaks = _ => Fault.Closed;
        Assert.Equal(503, (await _server.Http.Get(path)).Status);
        _s3.Line.Breaks = _ => Fault.None;
        var stored = _s3.Objects.Single().Value;
        File.Move(stored, stored + ".away");
        Assert.Equal(503, (await _server.Http.Get(path)).Status);
        File.Move(stored + ".away", stored);
        Assert.Equal(302, (await _server.Http.Get(path, ("X-Forwarded-For", "203.0.113.9"))).Status);
    }

    [Fact]
    public async Task The_page_lets_its_button_lead_to_the_store_and_a_look_at_the_link_spends_nothing()
    {
        var path = await Mint();
        var page = await _server.Http.Get(path, ("Accept", "text/html"));
        Assert.EndsWith($"form-action 'self' {_s3.Line.Url}", page.Header("Content-Security-Policy")!, StringComparison.Ordinal);
        Assert.Equal(200, (await _server.Http.Read(new HttpRequestMessage(HttpMethod.Head, path))).Status);
        Assert.Equal(302, (await _server.Http.Get(path + "?start=1", ("Accept", "text/html"))).Status);
    }
}
