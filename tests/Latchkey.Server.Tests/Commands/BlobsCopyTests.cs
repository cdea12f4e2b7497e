using System.Security.Cryptography;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

/// <summary><c>latchkey blobs copy</c>, and <c>doctor</c> on what it made.</summary>
public sealed class BlobsCopyTests : IAsyncLifetime
{
    readonly Shop _shop = new();
    readonly byte[] _large = RandomNumberGenerator.GetBytes(20_000_000);
    S3 _s3 = null!;

    static string Place => $"s3://{S3.Bucket}/moved";

    string Other => Path.Combine(_shop.Home, "other");

    /// <summary>How to reach the bucket, for a server whose files lie on disk.</summary>
    (string, string)[] Reach => [.. _s3.Environment.Where(e => !e.Name.EndsWith("Store", StringComparison.Ordinal) && !e.Name.EndsWith("Bucket", StringComparison.Ordinal))];

    /// <summary>What the command says to set.</summary>
    (string, string)[] InBucket => [.. _s3.Environment, ("LATCHKEY_Blobs__S3__Prefix", "moved/")];

    public async ValueTask InitializeAsync()
    {
        _s3 = await S3.Run();
        await _shop.AddProduct();
        await _shop.Publish(1, "small"u8.ToArray(), "small.zip");
        await _shop.Publish(1, _large, "large.zip");
    }

    public async ValueTask DisposeAsync()
    {
        await _s3.DisposeAsync();
        _shop.Dispose();
    }

    Task<CliResult> Copy((string, string)[] environment, params string[] arguments) => Cli.Run(["blobs", "copy", .. arguments, "--data", _shop.Data, "--json"], environment);

    Task<CliResult> Doctor(params (string, string)[] environment) => Cli.Run(["doctor", "--data", _shop.Data], environment);

    static (int Copied, int Present, int Failed) Counts(CliResult result)
    {
        var report = Shop.Document(result.Output);
        return (report.GetProperty("copied").GetInt32(), report.GetProperty("present").GetInt32(), report.GetProperty("failed").GetArrayLength());
    }

    static string Settings(CliResult result) =>
        string.Join(' ', Shop.Document(result.Output).GetProperty("settings").EnumerateArray().Select(s => $"{s.Text("name")}={s.Text("value")}"));

    [Fact]
    public async Task From_disk_to_a_bucket_and_back_and_downloads_work_at_each_place()
    {
        var there = await Copy(Reach, "--to", Place);
        Assert.Equal((0, (2, 0, 0)), (there.Status, Counts(there)));
        Assert.Equal($"Blobs:Store=S3 Blobs:S3:Endpoint={_s3.Line.Url} Blobs:S3:Region=us-east-1 Blobs:S3:Bucket=vendor-files Blobs:S3:Prefix=moved/", Settings(there));
        Assert.Equal(2, _s3.Objects.Count);
        await Delivers(InBucket);
        Assert.EndsWith("All is well.\n", (await Doctor(InBucket)).Output, StringComparison.Ordinal);

        var back = await Copy(InBucket, "--to", Other);
        Assert.Equal((0, (2, 0, 0)), (back.Status, Counts(back)));
        Assert.Equal($"Blobs:Store=Disk Blobs:Directory={Other}", Settings(back));
        Directory.Delete(Path.Combine(_shop.Data, "files"), recursive: true);
        await Delivers([("LATCHKEY_Blobs__Directory", Other)]);
        Assert.EndsWith("All is well.\n", (await Doctor(("LATCHKEY_Blobs__Directory", Other))).Output, StringComparison.Ordinal);
    }

    async Task Delivers((string, string)[] environment)
    {
        var key = (await _shop.Issue(1, "--domain", "example.com")).Key();
        await using var server = await ServeProcess.Run(_shop.Data, [.. Shop.NoLimits, .. environment]);
        Same.Bytes(_large, (await server.Http.Get(await server.Http.MintPathOf(key, "example.com", 1))).Bytes);
    }

    [Fact]
    public async Task A_copy_that_broke_off_goes_on_where_it_was_and_takes_what_was_published_meanwhile()
    {
        _s3.Line.Breaks = request => request.Query.Contains("partNumber=2", StringComparison.Ordinal) ? Fault.Error : Fault.None;
        var broken = await Copy(Reach, "--to", Place);
        Assert.Equal("The store s3://vendor-files/moved/ fails: 500 InternalError.", Shop.Refused(1, broken));
        Assert.Single(_s3.Objects);

        _s3.Line.Breaks = _ => Fault.None;
        await using (await _shop.Serve()) await _shop.Publish(1, "newer"u8.ToArray(), "newer.zip");
        Assert.Equal((2, 1, 0), Counts(await Copy(Reach, "--to", Place)));
        Assert.Equal((0, 3, 0), Counts(await Copy(Reach, "--to", Place)));
        Assert.EndsWith("All is well.\n", (await Doctor(InBucket)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_that_is_killed_goes_on_where_it_was()
    {
        _s3.Line.Breaks = request => request.Query.Contains("partNumber=3", StringComparison.Ordinal) ? Fault.Silent : Fault.None;
        using (var process = Cli.Start(["blobs", "copy", "--to", Place, "--data", _shop.Data], Reach))
        {
            await Poll.Until(() => Task.FromResult(_s3.Line.Requests.Count(request => request.Query.Contains("partNumber=3", StringComparison.Ordinal))), count => count > 0);
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        _s3.Line.Breaks = _ => Fault.None;
        Assert.Equal((1, 1, 0), Counts(await Copy(Reach, "--to", Place)));
        Assert.EndsWith("All is well.\n", (await Doctor(InBucket)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_damaged_or_missing_is_named_and_not_copied_and_what_has_another_size_is_replaced()
    {
        var stored = _shop.Stored.OrderBy(file => new FileInfo(file).Length).ToArray();
        await File.WriteAllTextAsync(stored[0], "smalL", TestContext.Current.CancellationToken);
        File.Delete(stored[1]);
        var result = await Copy([], "--to", Other);
        Assert.Equal((1, (0, 0, 2)), (result.Status, Counts(result)));
        Assert.Equal(
            [$"small.zip of release 1.0.0, product 1 ({Path.GetFileName(stored[0])}) does not match its hash", $"large.zip of release 1.0.1, product 1 ({Path.GetFileName(stored[1])}) is missing"],
            Shop.Document(result.Output).GetProperty("failed").EnumerateArray().Select(failed => failed.GetString()));
        Assert.Equal(["latchkey-installation"], Directory.GetFiles(Other, "*", SearchOption.AllDirectories).Select(Path.GetFileName));

        await File.WriteAllTextAsync(stored[0], "small", TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(stored[1], _large, TestContext.Current.CancellationToken);
        var half = Path.Combine(Other, Path.GetFileName(stored[0])[..2], Path.GetFileName(stored[0]));
        Directory.CreateDirectory(Path.GetDirectoryName(half)!);
        await File.WriteAllTextAsync(half, "sma", TestContext.Current.CancellationToken);
        Assert.Equal((2, 0, 0), Counts(await Copy([], "--to", Other)));
        Assert.Equal("small", await File.ReadAllTextAsync(half, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Doctor_names_what_is_missing_damaged_or_of_no_release_in_a_bucket()
    {
        Assert.Equal(0, (await Copy(Reach, "--to", Place)).Status);
        var objects = _s3.Objects.OrderBy(file => new FileInfo(file.Value).Length).ToArray();
        await File.WriteAllTextAsync(objects[0].Value, "smalL", TestContext.Current.CancellationToken);
        File.Delete(objects[1].Value);
        await _s3.Put($"{Path.GetDirectoryName(objects[0].Key)}/0123456789abcdef0123456789abcdef", [1]);
        await _s3.Put("moved/of-another-program", [1]);
        var result = await Doctor(InBucket);
        Assert.Equal(1, result.Status);
        Assert.Contains("FAULT    small.zip of release 1.0.0, product 1, does not match its hash", result.Output, StringComparison.Ordinal);
        Assert.Contains("FAULT    large.zip of release 1.0.1, product 1, is missing", result.Output, StringComparison.Ordinal);
        Assert.Contains("warning  1 file in s3://vendor-files/moved/ belongs to no release", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_says_that_a_store_does_not_answer_and_not_that_its_files_are_missing()
    {
        _s3.Line.Breaks = _ => Fault.Closed;
        var result = await Doctor(InBucket);
        Assert.Equal(1, result.Status);
        Assert.Contains("FAULT    the store s3://vendor-files/moved/ does not answer", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("missing", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_reads_the_files_of_a_store_that_cannot_be_listed()
    {
        Assert.Equal(0, (await Copy(Reach, "--to", Place)).Status);
        _s3.Line.Breaks = request => request.Query.Contains("list-type", StringComparison.Ordinal) ? Fault.Error : Fault.None;
        var result = await Doctor(InBucket);
        Assert.Equal(0, result.Status);
        Assert.Contains("warning  the store s3://vendor-files/moved/ cannot be listed (fails: 500 InternalError)", result.Output, StringComparison.Ordinal);
        Assert.Contains("ok       2 stored files in s3://vendor-files/moved/ match their hashes", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("503", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3://", "names no bucket")]
    [InlineData("gs://bucket/x", "is no place for files")]
    [InlineData(" ", "is empty")]
    [InlineData("FILES", "already")]
    public async Task A_place_that_is_none_is_wrong_usage(string place, string sentence) =>
        Assert.Contains(sentence, Shop.Refused(2, await Copy([], "--to", place.Replace("FILES", Path.Combine(_shop.Data, "files"), StringComparison.Ordinal))), StringComparison.Ordinal);

    [Fact]
    public async Task A_place_that_the_files_are_said_to_be_in_and_that_is_not_there_is_told()
    {
        var result = await Copy([], "--from", Path.Combine(_shop.Home, "nowhere"), "--to", Other);
        Assert.Contains("nowhere is not there", Shop.Refused(1, result), StringComparison.Ordinal);
        result = await Copy([], "--to", Path.Combine(_shop.Home, "nowhere", "files"));
        Assert.Equal($"There is no directory {_shop.Home}/nowhere: make it first, as the user that the server runs as.", Shop.Refused(1, result));
    }

    [Fact]
    public async Task Nobody_is_told_to_switch_to_a_store_that_has_not_all_files_and_no_key_is_printed()
    {
        var whole = await Cli.Run(["blobs", "copy", "--to", Place, "--data", _shop.Data], Reach);
        Assert.Contains("It needs the keys too", whole.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(S3.AccessKey, whole.Output, StringComparison.Ordinal);
        File.Delete(_shop.Stored.First());
        var result = await Cli.Run(["blobs", "copy", "--to", Other, "--data", _shop.Data]);
        Assert.Equal(1, result.Status);
        Assert.Contains("Stay with the store that you have", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("restart", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_person_sees_how_much_what_and_what_to_set()
    {
        var result = await Cli.Run(["blobs", "copy", "--to", Other, "--data", _shop.Data]);
        Assert.Equal(
            $"""
            Copied 2 files (20,000,005 bytes) from {_shop.Data}/files to {Other}; 0 were there already.

            For the server to use it, set these and restart it:
              Blobs:Store=Disk
              Blobs:Directory={Other}
            Then run this once more, with --from where the files were, for what was published in between.

            """,
            result.Output);
    }
}
