using Latchkey.Server.Activity;
using Latchkey.Server.Backups;
using Latchkey.Server.Data;
using Latchkey.Server.Products;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Backups;

/// <summary>Many backups in one place: what is the same lies there once, and what is old goes.</summary>
[Trait("Database", "Sqlite")]
public sealed class RepositoryTests : IAsyncLifetime
{
    readonly string _home = TempDirectory.Make();
    TestServer _server = null!;

    string Place => Path.Combine(_home, "backups");

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.Run();
        _server.AddProduct();
        _server.Publish(1, new byte[100_000]);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        TempDirectory.Delete(_home);
    }

    async Task<MadeBackup> Make()
    {
        _server.Clock.Advance(TimeSpan.FromSeconds(1));
        return await BackedUp.Make(_server, Place);
    }

    string[] Blobs => BackedUp.FilesOf(Path.Combine(Place, "blobs"));

    string[] Manifests => BackedUp.FilesOf(Path.Combine(Place, "manifests"));

    [Fact]
    public async Task A_second_backup_writes_no_file_again_and_of_the_database_only_what_changed()
    {
        Tables.Execute(_server.Database(), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO customers (id, name, email, notes, created_at) SELECT i, 'n', '', hex(randomblob(500)), 1 FROM n");
        var first = await Make();
        var times = BackedUp.FilesOf(Place).ToDictionary(file => file, File.GetLastWriteTimeUtc);
        _server.Issue(1, "example.com");
        _server.Publish(1, new byte[100_000]);
        _server.Publish(1, new byte[70_000]);
        var second = await Make();
        Assert.Equal((1, 1), (first.CopiedFiles, second.CopiedFiles));
        Assert.Equal(2, Blobs.Length);
        Assert.True(first.Manifest.Database.Count >= 5, $"{first.Manifest.Database.Count} pieces");
        Assert.InRange(second.CopiedBytes, 1, first.CopiedBytes / 2);
        Assert.All(times, file => Assert.Equal(file.Value, File.GetLastWriteTimeUtc(file.Key)));
        Assert.Equal(0, (await Make()).CopiedBytes);
    }

    [Fact]
    public async Task The_oldest_go_and_what_only_they_refer_to_and_the_newest_can_be_restored()
    {
        var draft = _server.Draft(1, "9.0.0", [9]);
        await Make();
        Assert.Equal(2, Blobs.Length);
        await _server.Work(work => new ReleaseOperations(work).Delete(draft.Id));
        await Make();
        await Make();
        using var place = new BackupDirectory(Place);
        await File.WriteAllTextAsync(Path.Combine(Place, "README"), "mine", Stop);
        Assert.Equal((0, null), await Retention.Apply(place, 3, Stop));
        Assert.Equal((3, 2), (Manifests.Length, Blobs.Length));
        Assert.Equal((2, null), await Retention.Apply(place, 1, Stop));
        Assert.Equal((1, 1), (Manifests.Length, Blobs.Length));
        Assert.True(File.Exists(Path.Combine(Place, "README")));
        await BackedUp.Restore(Place, Path.Combine(_home, "target"));
    }

    [Fact]
    public async Task Nothing_goes_while_one_that_stays_cannot_be_read()
    {
        await Make();
        await Make();
        var newest = Manifests[^1];
        await File.WriteAllTextAsync(newest, "{", Stop);
        using var place = new BackupDirectory(Place);
        var before = Snapshot.Of(Place);
        var (removed, fault) = await Retention.Apply(place, 1, Stop);
        Assert.Equal(0, removed);
        Assert.Contains(Path.GetFileName(newest), fault, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot.Of(Place));
    }

    [Fact]
    public async Task A_backup_that_broke_off_is_none_and_the_next_one_uses_what_is_there()
    {
        await Make();
        var manifest = Manifests.Single();
        File.Delete(manifest);
        await File.WriteAllTextAsync(Path.Combine(Place, "blobs", "half.tmp"), "half", Stop);
        using var place = new BackupDirectory(Place);
        var none = await Assert.ThrowsAsync<OperationException>(() => OpenBackup.Find(place, null, () => BackedUp.Passphrase, Stop));
        Assert.Equal($"There is no backup in {Place}.", none.Message);
        Assert.Equal(0, (await Make()).CopiedFiles);
        Assert.False(File.Exists(Path.Combine(Place, "blobs", "half.tmp")));
    }

    [Fact]
    public async Task A_place_that_holds_something_else_is_left_alone()
    {
        Directory.CreateDirectory(Place);
        await File.WriteAllTextAsync(Path.Combine(Place, "photo"), "mine", Stop);
        Assert.Contains("holds other things than backups", (await Assert.ThrowsAsync<OperationException>(Make)).Message, StringComparison.Ordinal);
        File.Delete(Path.Combine(Place, "photo"));
        await Make();
        await using var other = await TestServer.Run();
        Assert.Contains("holds backups of another installation", (await Assert.ThrowsAsync<OperationException>(() => BackedUp.Make(other, Place))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_are_only_referred_to_are_looked_for_where_they_were()
    {
        await BackedUp.Make(_server, Place, hasFiles: false);
        Assert.False(Directory.Exists(Path.Combine(Place, "blobs")));
        var store = Path.Combine(_home, "store");
        var lost = await BackedUp.Restore(Place, Path.Combine(_home, "one"));
        Assert.Equal("is missing", Assert.Single(lost.Absent).Fault);
        await new CopyBlobs(_server.Data.Database, _server.Data.Blobs, Server.Blobs.BlobStores.InDirectory(store, _server.Data.Path, _server.Data.Secrets)).Run(null, Stop);
        var found = await BackedUp.Restore(Place, Path.Combine(_home, "two"), more: ("Blobs:Directory", store));
        Assert.Empty(found.Absent);
    }

    [Fact]
    public async Task A_file_that_the_store_has_lost_makes_a_backup_without_it_that_says_so_and_older_ones_stay()
    {
        await Make();
        var published = _server.Publish(1, [7, 7, 7]);
        var blob = _server.WithDb(db => db.Artifacts.OrderBy(a => a.Id).Last().BlobId);
        File.Delete(_server.Files.PathOf(blob));
        var result = await BackedUp.Cli(["backup", "--to", Place, "--keep", "1", "--data", _server.Data.Path, "--json"]);
        Assert.Equal(1, result.Status);
        Assert.Equal((blob, "is missing"), (Shop.Document(result.Output).GetProperty("missing")[0].Text("blob_id"), Shop.Document(result.Output).GetProperty("missing")[0].Text("fault")));
        Assert.Equal(2, Manifests.Length);
        var attention = _server.Work(work => new Statistics(work).Attention(work.Now)).Single(item => item.Kind == "backup_incomplete");
        Assert.StartsWith("The last backup: 1 published file is not in it, product.zip for one, which is missing", attention.Sentence, StringComparison.Ordinal);
        Assert.NotEmpty(published.Artifacts);
    }

    [Fact]
    public async Task A_place_that_cannot_be_written_is_told_in_a_sentence()
    {
        await File.WriteAllTextAsync(Path.Combine(_home, "file"), "x", Stop);
        var below = Shop.Refused(1, await BackedUp.Cli(["backup", "--to", Path.Combine(_home, "file", "backups"), "--data", _server.Data.Path, "--json"]));
        Assert.Contains("file", below, StringComparison.Ordinal);
        Assert.Contains("is in the data directory", Shop.Refused(2, await BackedUp.Cli(["backup", "--to", Path.Combine(_server.Data.Path, "backups"), "--data", _server.Data.Path, "--json"])), StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(_server.Data.Path, "backup-*"));
    }

    [Fact]
    public async Task A_disk_without_room_is_told_and_holds_no_backup()
    {
        _server.Publish(1, System.Security.Cryptography.RandomNumberGenerator.GetBytes(3_000_000));
        var small = Path.Combine(_home, "small");
        Directory.CreateDirectory(small);
        Assert.Equal(0, await Mount("mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", small));
        try
        {
            foreach (var to in new[] { Path.Combine(small, "backups"), Path.Combine(small, "one.tar") })
            {
                Assert.Contains("No space left on device", Shop.Refused(1, await BackedUp.Cli(["backup", "--to", to, "--data", _server.Data.Path, "--json"])), StringComparison.Ordinal);
                Assert.Contains("There is no backup in", Shop.Refused(1, await BackedUp.Cli(["backup", "verify", "--from", Path.Combine(small, "backups"), "--json"])), StringComparison.Ordinal);
                Assert.False(File.Exists(to));
                Assert.Empty(Directory.GetFiles(small, "*.tmp", SearchOption.AllDirectories));
                if (Directory.Exists(to)) Directory.Delete(to, recursive: true);
            }
        }
        finally
        {
            await Mount("umount", small);
        }

        Assert.Empty(Directory.GetDirectories(_server.Data.Path, "backup-*"));
    }

    static async Task<int> Mount(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        await process.WaitForExitAsync(Stop);
        return process.ExitCode;
    }
}
