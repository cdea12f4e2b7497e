using Latchkey.Server.Activity;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Blobs;

/// <summary>What the overview says of a store, on disk and in a bucket.</summary>
public sealed class StoreAlertTests
{
    static List<AttentionView> Items(TestServer server) => server.Work(work =>
        new Statistics(work).Attention(server.Clock.GetUtcNow()).Where(item => item.Kind is "store_down" or "file_missing" or "file_damaged").ToList());

    static Task<List<AttentionView>> Until(TestServer server, Func<List<AttentionView>, bool> met) => Poll.Until(() => Task.FromResult(Items(server)), met);

    /// <summary>Nobody downloads anything: the server looks by itself.</summary>
    [Fact]
    public async Task A_bucket_that_does_not_answer_is_named_within_a_minute_and_so_is_its_return()
    {
        await using var s3 = await S3.Run();
        await using var server = await TestServer.Run(s3.Settings);
        server.AddProduct();
        server.Publish(1, [1, 2, 3]);
        Assert.Empty(Items(server));
        s3.Line.Breaks = _ => Fault.Closed;
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        var item = Assert.Single(await Until(server, items => items.Count > 0));
        Assert.Equal(("store_down", "error"), (item.Kind, item.Severity));
        Assert.StartsWith("The store s3://vendor-files/latchkey/ does not answer, since 1 January 00:01 UTC: downloads are answered 503.", item.Sentence, StringComparison.Ordinal);
        s3.Line.Breaks = _ => Fault.None;
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        await Until(server, items => items.Count == 0);
    }

    [Fact]
    public async Task A_bucket_that_refuses_is_named_with_its_reason_and_without_the_key()
    {
        await using var s3 = await S3.Run();
        await using var server = await TestServer.Run([.. s3.Settings, ("Blobs:S3:Bucket", "another-bucket")]);
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey!;
        Tables.Execute(server.Database(), "INSERT INTO releases (product_id, version, precedence, channel, notes, notes_html, state, published_at, created_at, rollout_percent) VALUES (1, '1.0.0', 0, 'stable', '', '', 1, 0, 0, 100)");
        Tables.Execute(server.Database(), "INSERT INTO artifacts (release_id, product_id, kind, platform, arch, file_name, content_type, size, sha256, blob_id, created_at) VALUES (1, 1, 0, '', '', 'a.zip', 'application/zip', 3, zeroblob(32), '0123456789abcdef0123456789abcdef', 0)");
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        var item = Assert.Single(await Until(server, items => items.Count > 0));
        Assert.Contains("refuses: NoSuchBucket", item.Sentence, StringComparison.Ordinal);
        Assert.Equal(503, (await server.Http.Get(await server.Http.MintPathOf(key, "example.com", 1))).Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_missing_file_is_named_until_it_is_back(bool inBucket)
    {
        await using var s3 = inBucket ? await S3.Run() : null;
        await using var server = await TestServer.Run(s3?.Settings ?? []);
        server.AddProduct();
        server.Publish(1, [1, 2, 3], "plugin.zip", "1.2.0");
        var stored = s3?.Objects.Single().Value ?? Directory.GetFiles(server.Files.Place, "*", SearchOption.AllDirectories).Single();
        File.Move(stored, stored + ".away");
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        var item = Assert.Single(await Until(server, items => items.Count > 0));
        Assert.Equal(("file_missing", "error", 1L), (item.Kind, item.Severity, item.ProductId));
        Assert.StartsWith("plugin.zip of release 1.2.0 is missing: its downloads are answered 503", item.Sentence, StringComparison.Ordinal);
        File.Move(stored + ".away", stored);
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        await Until(server, items => items.Count == 0);
    }

    [Fact]
    public async Task A_download_that_fails_names_the_file_at_once_and_one_that_works_takes_that_back()
    {
        await using var server = await TestServer.Run();
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey!;
        server.Publish(1, [1, 2, 3], "plugin.zip");
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        var stored = Directory.GetFiles(server.Files.Place, "*", SearchOption.AllDirectories).Single();
        await File.WriteAllBytesAsync(stored, [1, 2]);
        Assert.Equal(503, (await server.Http.Get(path)).Status);
        Assert.Equal("file_damaged", Assert.Single(Items(server)).Kind);
        await File.WriteAllBytesAsync(stored, [1, 2, 3]);
        Assert.Equal(200, (await server.Http.Get(path)).Status);
        Assert.Empty(Items(server));
    }

    [Fact]
    public async Task Damage_that_a_download_found_stays_named_until_one_comes_whole()
    {
        await using var s3 = await S3.Run();
        await using var server = await TestServer.Run(s3.Settings);
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey!;
        server.Publish(1, new byte[100]);
        var path = await server.Http.MintPathOf(key, "example.com", 1);
        s3.Line.Breaks = request => request.Range is null ? Fault.None : Fault.Damaged;
        Assert.Equal(503, (await server.Http.Get(path)).Status);
        var asked = s3.Line.Requests.Count;
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        await Poll.Until(() => Task.FromResult(s3.Line.Requests.Count), count => count > asked + 1);
        Assert.Equal("file_damaged", Assert.Single(Items(server)).Kind);
        s3.Line.Breaks = _ => Fault.None;
        Assert.Equal(200, (await server.Http.Get(path)).Status);
        Assert.Empty(Items(server));
    }
}
