using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Latchkey.Server.Downloads;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Downloads;

/// <summary>Bad lines, and the programs that people use on them.</summary>
public sealed class ResumeTests : IDisposable
{
    const int Size = 24_000_000;

    readonly string _home = TempDirectory.Make();

    public void Dispose() => TempDirectory.Delete(_home);

    static async Task<(TestServer Server, string Key)> Shop(byte[] file)
    {
        var server = await TestServer.Run(("TrustedProxies:0", "127.0.0.1"));
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey!;
        server.Publish(1, file);
        return (server, key);
    }

    async Task<int> Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = _home, RedirectStandardError = true, RedirectStandardOutput = true })!;
        _ = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode;
    }

    Task<int> Fetch(string program, string url) => program switch
    {
        "curl" => Run("curl", "-sS", "-f", "-C", "-", "-o", "file", url),
        "wget" => Run("wget", "-q", "-c", "--tries=1", "-O", "file", url),
        "aria2c" => Run("aria2c", "-q", "-c", "--max-tries=1", "--file-allocation=none", "-o", "file", url),
        _ => Run("aria2c", "-q", "-c", "-x4", "-s4", "-k1M", "--max-tries=1", "--file-allocation=none", "-o", "file", url),
    };

    /// <summary>
    /// A new process each time, as after a night: it has nothing but the file that it left. Of four connections three are refused,
    /// at which aria2c may give up before the fourth has got far: it needs more runs than there are cuts. Where its holes have become
    /// more than its connections, it may also ask for the end before one of them, and has used the link up then: another one is made for it.
    /// </summary>
    [Theory]
    [InlineData("curl", 50)]
    [InlineData("wget", 50)]
    [InlineData("aria2c", 50)]
    [InlineData("aria2c, four at a time", 10)]
    public async Task A_transfer_that_is_cut_again_and_again_is_finished_whole(string program, int cuts)
    {
        var file = RandomNumberGenerator.GetBytes(Size);
        var (server, key) = await Shop(file);
        await using var _ = server;
        var left = cuts;
        using var line = new CuttingProxy(server.Port, () => left-- > 0 ? RandomNumberGenerator.GetInt32(2_000, 2 * Size / (3 * cuts)) : long.MaxValue);
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        var runs = 0;
        while (await Fetch(program, $"http://127.0.0.1:{line.Port}{path}") != 0)
        {
            Assert.True(++runs < 100 + (2 * cuts), $"{program} does not get on: {left} cuts are left");
            if (!program.EndsWith("at a time", StringComparison.Ordinal) || server.WithDb(db => db.DownloadTokens.Any(token => token.SpentAt == null))) continue;
            foreach (var kept in Directory.GetFiles(_home)) File.Delete(kept);
            path = await server.Http.MintPathOf(key, "example.com", 1);
        }

        Assert.True(runs >= cuts / 4, $"only {runs} interruptions");
        Assert.Equal(SHA256.HashData(file), SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(_home, "file"), TestContext.Current.CancellationToken)));
        Assert.Equal(410, (await server.Http.Get(path)).Status);
        var attempts = server.WithDb(db => db.DownloadTokens.Select(token => token.Attempts).ToList());
        Assert.True(line.Carried < attempts.Sum(times => DownloadTokens.Bound(Size, times - 1)), $"{line.Carried} bytes in {string.Join(" and ", attempts)} transfers");
    }

    /// <summary>Four connections at once from the first moment on: one is served, and the file arrives.</summary>
    [Fact]
    public async Task A_download_manager_that_opens_parallel_ranges_gets_one_transfer_and_finishes()
    {
        var file = RandomNumberGenerator.GetBytes(Size);
        var (server, key) = await Shop(file);
        await using var _ = server;
        var url = server.Url + await server.Http.MintPathOf(key, "example.com", 1);
        Assert.Equal(0, await Run("aria2c", "-q", "-x4", "-s4", "-k1M", "--max-overall-download-limit=12M", "--file-allocation=none", "-o", "file", url));
        Assert.Equal(SHA256.HashData(file), SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(_home, "file"), TestContext.Current.CancellationToken)));
        Assert.Equal(Size, server.WithDb(db => db.DownloadTokens.Single().BytesServed));
    }

    [Fact]
    public async Task Another_address_is_refused_at_each_stage()
    {
        var file = RandomNumberGenerator.GetBytes(2_000_000);
        var (server, key) = await Shop(file);
        await using var _ = server;
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        (string, string) mine = ("X-Forwarded-For", "2001:db8:1:2::7"), neighbour = ("X-Forwarded-For", "2001:db8:1:2::8"), other = ("X-Forwarded-For", "2001:db8:1:3::7");
        var etag = $"\"{Convert.ToHexStringLower(SHA256.HashData(file))}\"";

        async Task OthersGetNothing()
        {
            Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), await Answer(other));
            Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), await Answer(other, ("Range", "bytes=100-")));
            Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), await Answer(other, ("Range", "bytes=100-"), ("If-Range", etag)));
            Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), await Answer(("X-Forwarded-For", "203.0.113.7")));
        }

        async Task<(int, string?)> Answer(params (string, string)[] headers)
        {
            var reply = await server.Http.Get(path, headers);
            return (reply.Status, reply.Code);
        }

        using (var running = await Begin(server, path, mine))
        {
            await OthersGetNothing();
        }

        await Poll.Until(() => Task.FromResult(server.WithDb(db => db.DownloadTokens.Single().Transfer)), transfer => transfer is null);
        await OthersGetNothing();
        Assert.Equal(206, (await Answer(neighbour, ("Range", "bytes=0-999999"))).Item1);
        await OthersGetNothing();
        var rest = await server.Http.Get(path, mine, ("Range", "bytes=1000000-"), ("If-Range", etag));
        Assert.Equal(file[1_000_000..], rest.Bytes);
        await OthersGetNothing();
        Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), await Answer(mine));
    }

    static Task<HttpResponseMessage> Begin(TestServer server, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        return server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Whoever has claimed it may begin anywhere up to what was handed over, and nowhere else.</summary>
    [Fact]
    public async Task A_resumption_begins_anywhere_up_to_what_was_handed_over()
    {
        var file = RandomNumberGenerator.GetBytes(300_000);
        var (server, key) = await Shop(file);
        await using var _ = server;
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        Assert.Equal(206, (await server.Http.Get(path, ("Range", "bytes=0-99999"))).Status);
        foreach (var from in (int[])[100_001, 150_000, 299_999])
        {
            var reply = await server.Http.Get(path, ("Range", $"bytes={from}-"));
            Assert.Equal((410, "DOWNLOAD_TOKEN_USED"), (reply.Status, reply.Code));
        }

        foreach (var from in (int[])[1, 50_000, 100_000]) Assert.Equal(file[from..(from + 10)], (await server.Http.Get(path, ("Range", string.Create(CultureInfo.InvariantCulture, $"bytes={from}-{from + 9}")))).Bytes);
        Assert.Equal(416, (await server.Http.Get(path, ("Range", "bytes=300000-"))).Status);
        Assert.Equal(file, (await server.Http.Get(path)).Bytes);
    }

    /// <summary>Restarting a large file again and again ends where the bound is; going on from the middle is still possible.</summary>
    [Fact]
    public async Task The_bytes_of_all_transfers_stay_within_the_bound()
    {
        const int size = 80_000_000;
        var file = new byte[size];
        RandomNumberGenerator.Fill(file.AsSpan(0, 1_000_000));
        var (server, key) = await Shop(file);
        await using var _ = server;
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        long carried = 0;
        for (var transfers = 1; transfers <= 12; transfers++)
        {
            using var line = new CuttingProxy(server.Port, () => 60_000_000);
            using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{line.Port}") };
            await Drain(client, path);
            carried += line.Carried;
            await Poll.Until(() => Task.FromResult(server.WithDb(db => db.DownloadTokens.Single().Transfer)), transfer => transfer is null);
            var token = server.WithDb(db => db.DownloadTokens.Single());
            Assert.Equal(transfers, token.Attempts);
            Assert.True(carried - (transfers * 1000) <= token.BytesServed, $"{carried} bytes arrived, {token.BytesServed} were counted");
            Assert.True(token.BytesServed <= DownloadTokens.Bound(size, transfers - 1), $"{token.BytesServed} after {transfers} transfers");
        }

        var rest = await server.Http.Get(path, ("Range", "bytes=60000000-"));
        Assert.Equal((206, 20_000_000), (rest.Status, rest.Bytes.Length));
        Assert.Equal(410, (await server.Http.Get(path)).Status);
    }

    static async Task Drain(HttpClient client, string path)
    {
        try
        {
            using var response = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            await response.Content.CopyToAsync(Stream.Null);
        }
        catch (Exception cut) when (cut is IOException or HttpRequestException)
        {
            // As it was meant to be.
        }
    }
}
