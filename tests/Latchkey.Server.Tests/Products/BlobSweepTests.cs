using Latchkey.Server.Tests.Admin.Api;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Products;

public sealed class BlobSweepTests
{
    const string Orphan = "0123456789abcdef0123456789abcdef";

    [Fact]
    public async Task What_no_release_refers_to_goes_after_a_day_and_nothing_else()
    {
        await using var server = await TestServer.Run();
        server.Issue(server.AddProduct().Id, "example.com");
        server.Publish(1, [1, 2, 3]);
        var draft = server.Draft(1, "9.0.0", [4]);
        var yanked = server.Publish(1, [5]);
        server.Work(work => new Server.Products.ReleaseOperations(work).Yank(yanked.Id));
        var kept = Directory.GetFiles(server.Files.Place, "*", SearchOption.AllDirectories).Order().ToList();
        Assert.Equal(3, kept.Count);

        var root = server.Files.Place;
        string[] left = [server.Files.PathOf(Orphan), Path.Combine(root, Orphan + ".tmp")];
        string[] others = [Path.Combine(root, "README"), Path.Combine(root, "backup.tmp"), server.Files.PathOf(Orphan.ToUpperInvariant().Replace('A', 'X'))];
        var young = server.Files.PathOf(new string('e', 32));
        foreach (var file in left.Concat(others).Append(young))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, "x", TestContext.Current.CancellationToken);
        }

        foreach (var file in left.Concat(others).Concat(kept)) File.SetLastWriteTimeUtc(file, TestServer.Start.UtcDateTime.AddDays(-2));
        File.SetLastWriteTimeUtc(young, TestServer.Start.UtcDateTime);
        await Twice(server, () => !left.Any(File.Exists));
        Assert.All(kept.Concat(others).Append(young), file => Assert.True(File.Exists(file), file));
        Assert.NotEmpty(draft.Artifacts);
    }

    [Fact]
    public async Task A_directory_that_is_another_installations_takes_no_file_and_loses_none()
    {
        var shared = Path.Combine(TempDirectory.Make(), "files");
        await using var first = await TestServer.Run(("Blobs:Directory", shared));
        await using var second = await TestServer.Run(("Blobs:Directory", shared));
        first.AddProduct();
        second.AddProduct();
        first.Publish(1, [1, 2, 3]);
        var failure = Assert.Throws<Server.Data.StoreUnavailableException>(() => second.Publish(1, [4]));
        Assert.Contains("belongs to another installation", failure.Message);
        (await second.Admin().Put("/products/1/files/product.zip", [4])).Refuses(503, "SERVICE_UNAVAILABLE");

        // As if they had shared it before it was marked.
        var old = Directory.GetFiles(shared, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file).Length == 32).Append(Put(shared, Orphan)).ToList();
        foreach (var file in old) File.SetLastWriteTimeUtc(file, TestServer.Start.UtcDateTime.AddDays(-2));
        var before = second.Log.Lines.Count(line => line.Contains("belongs to another installation", StringComparison.Ordinal));
        second.Clock.Advance(TimeSpan.FromHours(1));
        await Poll.Until(() => Task.FromResult(second.Log.Lines.Count(line => line.Contains("belongs to another installation", StringComparison.Ordinal))), count => count > before);
        Assert.All(old, file => Assert.True(File.Exists(file), file));
        await Twice(first, () => old.Count(File.Exists) == 1);
    }

    /// <summary>Another's data directory is marked by its database.</summary>
    [Fact]
    [Trait("Database", "Sqlite")]
    public async Task The_files_of_another_data_directory_are_not_for_us()
    {
        await using var first = await TestServer.Run();
        first.AddProduct();
        first.Publish(1, [1, 2, 3]);
        await using var second = await TestServer.Run(("Blobs:Directory", first.Files.Place));
        second.AddProduct();
        Assert.Throws<Server.Data.StoreUnavailableException>(() => second.Publish(1, [4]));
        Assert.Single(Directory.GetFiles(first.Files.Place, "*", SearchOption.AllDirectories));
        Assert.Contains(second.Log.Lines, line => line.Contains($"Warning Latchkey.Server.Products.BlobSweep {first.Files.Place} belongs to another installation", StringComparison.Ordinal));
    }

    /// <summary>One turn finds them, the next one finds them again: turns come an hour apart, and a turn that is still at work misses none.</summary>
    static Task Twice(TestServer server, Func<bool> isDone)
    {
        server.Clock.Advance(TimeSpan.FromHours(1));
        return Poll.Until(
            () =>
            {
                if (!isDone()) server.Clock.Advance(TimeSpan.FromMinutes(1));
                return Task.FromResult(isDone());
            },
            done => done);
    }

    static string Put(string root, string id)
    {
        var file = Path.Combine(root, id[..2], id);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, "x");
        return file;
    }
}
