using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Backups;

/// <summary>Backups in a bucket, of an installation whose files are in one.</summary>
public sealed class BucketTests : IAsyncLifetime
{
    static readonly string Place = $"s3://{S3.Bucket}/backups/latchkey";

    readonly Shop _shop = new();
    S3 _s3 = null!;

    public async ValueTask InitializeAsync() => _s3 = await S3.Run();

    public async ValueTask DisposeAsync()
    {
        await _s3.DisposeAsync();
        _shop.Dispose();
    }

    Task<System.Text.Json.JsonElement> Do(params string[] arguments) => BackedUp.Done(arguments, _s3.Environment);

    /// <summary>How to reach the bucket, for an installation whose files lie on disk.</summary>
    (string, string)[] Reach => [.. _s3.Environment.Where(setting => !setting.Name.EndsWith("Store", StringComparison.Ordinal))];

    IEnumerable<string> Files => _s3.Objects.Keys.Where(key => key.StartsWith("latchkey/", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    [Fact]
    [Trait("Database", "Sqlite")]
    public async Task Files_come_back_into_the_bucket_and_those_that_are_newer_are_named()
    {
        string[] files;
        await using (var server = await TestServer.Run(_shop.Data, null, _s3.Settings))
        {
            server.AddProduct();
            server.Publish(1, new byte[9_000_000]);
            server.Publish(1, [1, 2, 3]);
            files = [.. Files];
            await Do("backup", "--to", Place, "--data", _shop.Data);
            Assert.Equal(0, (await Do("backup", "--to", Place, "--data", _shop.Data, "--keep", "1")).GetProperty("copied_files").GetInt32());
            server.Publish(1, [4]);
        }

        var newer = Files.Except(files).Single();
        foreach (var file in files) File.Delete(_s3.Objects[file]);
        var listed = await Do("backup", "list", "--from", Place);
        Assert.Equal(1, listed.GetArrayLength());
        await Do("backup", "verify", "--from", Place);
        var restored = await Do("restore", "--from", Place, "--data", Path.Combine(_shop.Home, "new"));
        Assert.Equal((2, Path.GetFileName(newer)), (restored.GetProperty("files").GetInt32(), restored.GetProperty("unknown_files")[0].GetString()));
        Assert.Equal(files.Append(newer).Order(StringComparer.Ordinal), Files);
        Assert.EndsWith("All is well.\n", (await Cli.Run(["doctor", "--data", Path.Combine(_shop.Home, "new")], _s3.Environment)).Output.Replace("1 file in s3://vendor-files/latchkey/ belongs to no release", "", StringComparison.Ordinal).Replace("It works; 1 thing could be better.", "All is well.", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Database", "Sqlite")]
    public async Task A_bucket_that_fails_is_told_and_what_is_damaged_in_it_is_found()
    {
        await using (var server = await TestServer.Run(_shop.Data, null))
        {
            server.AddProduct();
            server.Publish(1, [1, 2, 3]);
            await BackedUp.Done(["backup", "--to", Place, "--data", _shop.Data], Reach);
            _s3.Line.Breaks = request => request.Method == "PUT" ? Fault.Error : Fault.None;
            var failed = await BackedUp.Cli(["backup", "--to", Place, "--data", _shop.Data, "--json"], Reach);
            Assert.Contains("fails: 500", Shop.Refused(1, failed), StringComparison.Ordinal);
            _s3.Line.Breaks = _ => Fault.None;
        }

        foreach (var blob in _s3.Objects.Where(file => file.Key.Contains("/blobs/", StringComparison.Ordinal))) await File.WriteAllBytesAsync(blob.Value, [1, 2, 4], TestContext.Current.CancellationToken);
        var target = Path.Combine(_shop.Home, "new");
        Assert.Contains("is damaged", Shop.Refused(1, await BackedUp.Cli(["restore", "--from", Place, "--data", target, "--json"], Reach)), StringComparison.Ordinal);
        Assert.False(Directory.Exists(target));
    }
}
