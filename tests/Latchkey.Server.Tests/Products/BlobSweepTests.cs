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
        server.Clock.Advance(TimeSpan.FromHours(1));
        await Poll.Until(() => Task.FromResult(left.Count(File.Exists)), count => count == 0);
        Assert.All(kept.Concat(others).Append(young), file => Assert.True(File.Exists(file), file));
        Assert.NotEmpty(draft.Artifacts);
    }
}
