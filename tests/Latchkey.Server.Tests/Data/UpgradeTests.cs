using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using Latchkey.Server.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Latchkey.Server.Tests.DataDirectories;

/// <summary>
/// A data directory as the program made it before there were releases (Data/before-releases.tar.gz): files with versions of all
/// kinds, licenses, and links fresh, used up and half-way. It is taken over at the next start.
/// </summary>
public sealed class UpgradeTests
{
    static readonly DateTimeOffset After = new(2026, 11, 27, 0, 0, 0, TimeSpan.Zero);

    static string Unpacked()
    {
        var directory = TempDirectory.Make();
        using var packed = new GZipStream(File.OpenRead(Path.Combine(Cli.Root, "tests/Latchkey.Server.Tests/Data/before-releases.tar.gz")), CompressionMode.Decompress);
        TarFile.ExtractToDirectory(packed, directory, overwriteFiles: true);
        return directory;
    }

    static readonly JsonSerializerOptions AnyCase = new() { PropertyNameCaseInsensitive = true };

    sealed record Known(Dictionary<string, string> Keys, Dictionary<string, string> Paths);

    static Known KnownOf(string directory) =>
        JsonSerializer.Deserialize<Known>(File.ReadAllText(Path.Combine(directory, "known.json")), AnyCase)!;

    static Task<TestServer> Upgraded(string directory) => TestServer.Run(directory, new FakeTimeProvider(After));

    [Fact]
    public async Task What_was_the_download_still_is_whatever_it_was_called()
    {
        var directory = Unpacked();
        var known = KnownOf(directory);
        await using var server = await Upgraded(directory);
        foreach (var (product, (version, size)) in new Dictionary<string, (string, int)> { ["1"] = ("1.9.1", 80_000), ["2"] = ("0.0.0-file.5", 100_000), ["4"] = ("1.0.0", 160_000) })
        {
            var data = (await server.Http.Mint(known.Keys[product], "example.com", int.Parse(product))).Json.GetProperty("data");
            Assert.Equal((version, size), (data.Text("version"), data.GetProperty("file_size").GetInt32()));
            Assert.Equal(size, (await server.Http.Get(new Uri(data.Text("download_url")).AbsolutePath)).Bytes.Length);
        }

        Assert.Equal("NO_DOWNLOADABLE_FILE", (await server.Http.Mint(known.Keys["3"], "example.com", 3)).Code);
    }

    [Fact]
    public async Task Every_file_is_a_release_of_its_own_and_none_outranks_the_one_that_was_published_last()
    {
        await using var server = await Upgraded(Unpacked());
        var releases = server.WithDb(db => db.Releases.OrderBy(r => r.ProductId).ThenByDescending(r => r.Precedence).Select(r => $"{r.ProductId} {r.Version} {r.Notes}").ToList());
        Assert.Equal(
            [
                "1 1.9.1 ", "1 1.1.0 Published as “v1.1”.", "1 1.0.0 ", "1 0.0.0-file.3 Published as “2.0.0”.", "2 0.0.0-file.5 ",
                "4 1.0.0 Published as “1.0”.", "4 0.0.0-file.7 ", "4 0.0.0-file.6 Published as “the one before”.",
            ],
            releases);
        Assert.Equal(8, server.WithDb(db => db.Artifacts.Select(a => a.ReleaseId).Distinct().Count()));
    }

    [Fact]
    public async Task Links_that_were_out_are_worth_what_they_were()
    {
        var directory = Unpacked();
        var paths = KnownOf(directory).Paths;
        await using var server = await Upgraded(directory);
        foreach (var (link, size) in new Dictionary<string, int> { ["fresh"] = 80_000, ["superseded"] = 60_000, ["theme"] = 100_000, ["old"] = 160_000 })
        {
            var reply = await server.Http.Get(paths[link]);
            Assert.Equal((200, size), (reply.Status, reply.Bytes.Length));
            Assert.Equal("DOWNLOAD_TOKEN_USED", (await server.Http.Get(paths[link])).Code);
        }

        Assert.Equal("DOWNLOAD_TOKEN_USED", (await server.Http.Get(paths["spent"])).Code);
        Assert.Equal(410, (await server.Http.Get(paths["half"], ("Range", "bytes=10001-"))).Status);
        var rest = await server.Http.Get(paths["half"], ("Range", "bytes=10000-"));
        Assert.Equal((206, 70_000), (rest.Status, rest.Bytes.Length));
    }

    /// <summary>Whenever an upgrade is killed, the next start finishes it: each step is tried anew after each.</summary>
    [Fact]
    public async Task It_is_the_same_after_a_start_that_was_killed_again_and_again()
    {
        var directory = Unpacked();
        for (var i = 0; i < 12; i++)
        {
            using var process = Cli.Start(["release", "list", "--data", directory], []);
            process.StandardInput.Close();
            if (process.WaitForExit(150 + (i * 60))) continue;
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await using var server = await Upgraded(directory);
        Assert.Equal(8, server.WithDb(db => db.Releases.Count()));
        Assert.Empty(server.WithDb(db => db.Artifacts.Where(a => !db.Releases.Any(r => r.Id == a.ReleaseId)).ToList()));
    }

    [Fact]
    public async Task The_command_line_upgrades_it_too_and_the_doctor_is_content()
    {
        var directory = Unpacked();
        var listed = await Cli.Run("release", "list", "--product", "1", "--json", "--data", directory);
        Assert.Equal((0, 4), (listed.Status, listed.Json.GetArrayLength()));
        File.Delete(Path.Combine(directory, "known.json"));
        var doctor = await Cli.Run("doctor", "--data", directory);
        Assert.Contains($"8 stored files in {directory}/files match their hashes", doctor.Output, StringComparison.Ordinal);
        Assert.Equal(0, doctor.Status);
        TempDirectory.Delete(directory);
    }
}
