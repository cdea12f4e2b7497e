using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Docs;

/// <summary>nginx sends the files by itself, with what deploy/nginx.conf has for it; the claim stays ours.</summary>
public sealed class AccelTests : IAsyncLifetime
{
    const int Size = 6_000_000;

    readonly byte[] _file = RandomNumberGenerator.GetBytes(Size);
    readonly string _home = TempDirectory.Make();
    TestServer _server = null!;
    Nginx _nginx = null!;
    string _key = "";

    public async ValueTask InitializeAsync()
    {
        var files = Path.Combine(_home, "files");
        _server = await TestServer.Run(("TrustedProxies:0", "127.0.0.1"), ("Blobs:Delivery", "Accel"), ("Blobs:Directory", files));
        _nginx = await Nginx.Run(_server.Port, files);
        _key = _server.Issue(_server.AddProduct().Id, "example.com").LicenseKey!;
        _server.Publish(1, _file, "plugin.zip");
    }

    public async ValueTask DisposeAsync()
    {
        await _nginx.DisposeAsync();
        await _server.DisposeAsync();
        TempDirectory.Delete(_home);
    }

    string ETag => $"\"{Convert.ToHexStringLower(SHA256.HashData(_file))}\"";

    async Task<string> Mint() => await _server.Http.MintPathOf(_key, "example.com", 1);

    async Task<Reply> Get(string path, string address = "127.0.0.2", params (string, string)[] headers)
    {
        using var http = _nginx.ClientAt(address);
        return await http.Get(path, headers);
    }

    async Task<int> Curl(string path, params string[] arguments)
    {
        var at = _nginx.Port.ToString(CultureInfo.InvariantCulture);
        using var process = Process.Start(new ProcessStartInfo(
            "curl",
            ["-sS", "-f", "-k", "--interface", "127.0.0.2", "--connect-to", $"::127.0.0.1:{at}", .. arguments, "https://licenses.example.com" + path])
        { WorkingDirectory = _home, RedirectStandardError = true })!;
        await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    Task<byte[]> Saved(string name) => File.ReadAllBytesAsync(Path.Combine(_home, name));

    [Fact]
    public async Task Curl_gets_the_file_from_nginx_once_and_another_address_nothing()
    {
        var path = await Mint();
        Assert.Equal(0, await Curl(path, "-O", "-J"));
        Same.Bytes(_file, await Saved("plugin.zip"));
        Assert.Equal(22, await Curl(path, "-o", "again"));
        Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), await Answer(path, "127.0.0.2"));
        Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), await Answer(path, "127.0.0.3"));
        Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), await Answer(path, "127.0.0.3", ("Range", "bytes=100-")));
    }

    async Task<(int, string?)> Answer(string path, string address, params (string, string)[] headers)
    {
        var reply = await Get(path, address, headers);
        return (reply.Status, reply.Code);
    }

    [Fact]
    public async Task The_answer_is_the_same_to_the_client_as_if_it_came_from_us()
    {
        var path = await Mint();
        var here = await _server.Http.Read(new HttpRequestMessage(HttpMethod.Head, path));
        var reply = await Get(path);
        Assert.Equal(200, reply.Status);
        foreach (var name in new[] { "Content-Type", "Content-Disposition", "Content-Length", "Accept-Ranges", "ETag", "Repr-Digest", "Cache-Control", "Pragma", "X-Content-Type-Options", "Referrer-Policy" })
        {
            Assert.Equal((name, here.Header(name)), (name, reply.Header(name)));
        }

        Assert.NotNull(reply.Header("X-Request-ID"));
        Assert.Null(reply.Header("X-Accel-Redirect"));
    }

    [Fact]
    public async Task A_transfer_that_broke_off_is_resumed_by_its_claimant()
    {
        var path = await Mint();
        using (var http = _nginx.ClientAt("127.0.0.2"))
        {
            using var answer = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            var part = new byte[1_000_000];
            await (await answer.Content.ReadAsStreamAsync()).ReadExactlyAsync(part);
            await File.WriteAllBytesAsync(Path.Combine(_home, "file"), part);
        }

        Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), await Answer(path, "127.0.0.3", ("Range", "bytes=1000000-")));
        Assert.Equal(0, await Curl(path, "-C", "-", "-o", "file"));
        Same.Bytes(_file, await Saved("file"));
    }

    [Fact]
    public async Task A_resumption_that_names_the_file_gets_its_part_and_one_that_names_another_nothing()
    {
        var path = await Mint();
        var whole = await Get(path);
        Assert.Equal(ETag, whole.Header("ETag"));
        var rest = await Get(path, "127.0.0.2", ("Range", "bytes=4000000-"), ("If-Range", ETag));
        Assert.Equal((206, $"bytes 4000000-{Size - 1}/{Size}"), (rest.Status, rest.Header("Content-Range")));
        Same.Bytes(_file[4_000_000..], rest.Bytes);
        Assert.Equal(410, (await Get(path, "127.0.0.2", ("Range", "bytes=4000000-"), ("If-Range", "\"another\""))).Status);
    }

    /// <summary>What nginx would read in another way than we do, it does not get to read.</summary>
    [Theory]
    [InlineData("bytes =1-1")]
    [InlineData("bytes\t=1-1")]
    [InlineData("Bytes=1-1")]
    [InlineData("bytes=1-1,3-3")]
    [InlineData("bytes=1-1,")]
    public async Task A_range_in_an_odd_spelling_gives_no_second_copy(string range)
    {
        var path = await Mint();
        Assert.Equal(200, (await Get(path)).Status);
        for (var times = 0; times < 3; times++) Assert.InRange((await Get(path, "127.0.0.2", ("Range", range))).Bytes.Length, 0, 1000);
    }

    [Theory]
    [InlineData("If-None-Match", "*")]
    [InlineData("If-Unmodified-Since", "Thu, 01 Jan 2015 00:00:00 GMT")]
    public async Task A_condition_that_nginx_would_answer_with_nothing_does_not_use_the_link_up(string header, string value) =>
        Same.Bytes(_file, (await Get(await Mint(), "127.0.0.2", (header, value))).Bytes);

    [Fact]
    public async Task Nobody_comes_through_nginx_by_saying_so()
    {
        var reply = await _server.Http.Get(await Mint(), ("X-Original-For", "127.0.0.1"));
        Assert.Null(reply.Header("X-Accel-Redirect"));
        Same.Bytes(_file, reply.Bytes);
    }

    /// <summary>What we streamed counts when nginx is to send the rest.</summary>
    [Fact]
    public async Task The_bytes_of_streams_and_of_nginx_together_stay_within_the_bound()
    {
        _server.Publish(1, new byte[80_000_000], "large.zip", "9.0.0");
        var path = await Mint();
        long got = 0;
        for (var times = 0; times < 12; times++) got += (await Get(path, "127.0.0.2", times < 3 ? [("Range", "bytes=0-78000000")] : [])).Bytes.Length;
        var token = _server.WithDb(db => db.DownloadTokens.OrderBy(t => t.Id).Last());
        Assert.InRange(got, 78_000_001, Server.Downloads.DownloadTokens.Bound(80_000_000, token.Attempts - 1));
    }

    [Fact]
    public async Task A_tail_that_nobody_proved_to_need_is_the_whole_file()
    {
        var reply = await Get(await Mint(), "127.0.0.2", ("Range", "bytes=-100"));
        Assert.Equal(200, reply.Status);
        Same.Bytes(_file, reply.Bytes);
    }

    [Fact]
    public async Task Who_comes_past_nginx_is_served_by_us_and_is_told_no_path()
    {
        var path = await Mint();
        var reply = await _server.Http.Get(path);
        Same.Bytes(_file, reply.Bytes);
        Assert.Null(reply.Header("X-Accel-Redirect"));
        Assert.Equal(410, (await Get(path)).Status);
    }

    [Fact]
    public async Task Nobody_gets_a_file_from_nginx_without_a_claim()
    {
        var stored = _server.WithDb(db => db.Artifacts.Single().BlobId);
        Assert.Equal(404, (await Get($"/latchkey-files/{Server.Blobs.FileBlobStore.NameOf(stored)}")).Status);
    }

    [Fact]
    public async Task A_file_that_is_missing_is_503_and_claims_nothing()
    {
        var path = await Mint();
        var stored = _server.Files.PathOf(_server.WithDb(db => db.Artifacts.Single().BlobId));
        File.Move(stored, stored + ".away");
        Assert.Equal(503, (await Get(path)).Status);
        File.Move(stored + ".away", stored);
        Same.Bytes(_file, (await Get(path, "127.0.0.3")).Bytes);
    }

    /// <summary>Apache's module takes the path of the file itself.</summary>
    [Fact]
    public async Task Apache_is_told_the_path_of_the_file()
    {
        await using var server = await TestServer.Run(("TrustedProxies:0", "127.0.0.1"), ("Blobs:Delivery", "Accel"), ("Blobs:Accel:Header", "X-Sendfile"));
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey!;
        server.Publish(1, _file);
        var reply = await server.Http.Get(await server.Http.MintPathOf(key, "example.com", 1), ("X-Forwarded-For", "203.0.113.7"));
        Assert.Equal((200, 0), (reply.Status, reply.Bytes.Length));
        Same.Bytes(_file, await File.ReadAllBytesAsync(reply.Header("X-Sendfile")!));
        Assert.Equal(ETag, reply.Header("ETag"));
    }
}
