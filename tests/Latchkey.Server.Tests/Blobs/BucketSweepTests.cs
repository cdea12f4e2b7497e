using Latchkey.Server.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Latchkey.Server.Tests.Blobs;

public sealed class BucketSweepTests
{
    const string Orphan = "0123456789abcdef0123456789abcdef";

    [Fact]
    public async Task What_no_release_refers_to_goes_after_a_day_and_nothing_else_in_the_bucket()
    {
        // The bucket's clock is the real one.
        var now = TimeProvider.System.GetUtcNow();
        await using var s3 = await S3.Run();
        await using var server = await TestServer.Run(TempDirectory.Make(), new FakeTimeProvider(now), s3.Settings);
        server.AddProduct();
        server.Publish(1, [1, 2, 3]);
        server.Draft(1, "9.0.0", [4]);
        var yanked = server.Publish(1, [5]);
        server.Work(work => new Server.Products.ReleaseOperations(work).Yank(yanked.Id));
        var kept = s3.Objects.Keys.ToList();
        Assert.Equal(3, kept.Count);
        var home = Path.GetDirectoryName(kept[0])!;

        // Another installation's, another program's, and what somebody put beside ours.
        string[] others = [$"latchkey/0000000000000000/{Orphan}", $"latchkey/{Orphan}", Orphan, $"backups/{Orphan}", $"{home}/README", $"{home}/x/{Orphan}"];
        foreach (var key in others.Append($"{home}/{Orphan}")) await s3.Put(key, [1]);

        await Sweep(s3, server, now.AddHours(19));
        Assert.Contains($"{home}/{Orphan}", s3.Objects.Keys);
        await Sweep(s3, server, now.AddHours(26));
        Assert.Equal(kept.Concat(others).Order(), s3.Objects.Keys.Order());
    }

    [Fact]
    public async Task A_bucket_is_listed_page_by_page()
    {
        await using var s3 = await S3.Run();
        await using var server = await TestServer.Run(s3.Settings);
        var stored = await server.Data.Blobs.Add(new MemoryStream([1]));
        var home = Path.GetDirectoryName(s3.Objects.Keys.Single())!;
        var ids = Enumerable.Range(0, 1200).Select(i => i.ToString("x32")).ToList();
        await Parallel.ForEachAsync(ids, async (id, _) => await s3.Put($"{home}/{id}", [1]));
        var listed = new List<string>();
        await foreach (var entry in server.Data.Blobs.All(TestContext.Current.CancellationToken)) listed.Add(entry.Name);
        Assert.Equal(ids.Append(stored.Id).Order(), listed.Order());
    }

    /// <summary>What one finds, the next one removes; and that is through when another begins.</summary>
    static async Task Sweep(S3 s3, TestServer server, DateTimeOffset at)
    {
        server.Clock.SetUtcNow(at);
        for (var rounds = 0; rounds < 3; rounds++)
        {
            var before = Lists(s3);
            server.Clock.Advance(TimeSpan.FromHours(1));
            await Poll.Until(() => Task.FromResult(Lists(s3)), lists => lists > before);
        }
    }

    static int Lists(S3 s3) => s3.Line.Requests.Count(request => request.Query.Contains("list-type=2", StringComparison.Ordinal) && !request.Query.Contains("max-keys", StringComparison.Ordinal));

    [Fact]
    public async Task An_upload_that_fails_is_aborted_and_leaves_no_object()
    {
        await using var s3 = await S3.Run();
        await using var server = await TestServer.Run(s3.Settings);
        server.AddProduct();
        s3.Line.Breaks = request => request.Query.Contains("partNumber=2", StringComparison.Ordinal) ? Fault.Error : Fault.None;
        var failure = Assert.Throws<Server.Blobs.S3Exception>(() => server.Publish(1, new byte[20_000_000]));
        Assert.Equal("The store s3://vendor-files/latchkey/ fails: 500 InternalError", failure.Message);
        Assert.Contains(s3.Line.Requests, request => request.Method == "DELETE" && request.Query.Contains("uploadId=", StringComparison.Ordinal));
        Assert.Empty(s3.Objects);
        Assert.Empty(server.WithDb(db => db.Artifacts.ToList()));
        s3.Line.Breaks = _ => Fault.None;
        server.Publish(1, new byte[20_000_000]);
        Assert.Single(s3.Objects);
    }

    [Fact]
    public async Task An_upload_that_is_longer_than_it_may_be_is_aborted_when_it_is()
    {
        await using var s3 = await S3.Run();
        await using var server = await TestServer.Run(s3.Settings);
        var failure = await Assert.ThrowsAsync<Server.Data.OperationException>(() => server.Data.Blobs.Add(new MemoryStream(new byte[30_000_000]), maxLength: 10_000_000));
        Assert.Equal("FILE_TOO_LARGE", failure.Code);
        Assert.Contains(s3.Line.Requests, request => request.Method == "DELETE" && request.Query.Contains("uploadId=", StringComparison.Ordinal));
        Assert.Single(s3.Line.Requests, request => request.Method == "PUT");
        Assert.Empty(s3.Objects);
    }

    [Fact]
    public async Task A_release_that_is_deleted_takes_its_object_along()
    {
        await using var s3 = await S3.Run();
        await using var server = await TestServer.Run(s3.Settings);
        server.AddProduct();
        var draft = server.Draft(1, "9.0.0", [4]);
        Assert.Single(s3.Objects);
        await server.Work(work => new Server.Products.ReleaseOperations(work).Delete(draft.Id));
        Assert.Empty(s3.Objects);
    }
}
