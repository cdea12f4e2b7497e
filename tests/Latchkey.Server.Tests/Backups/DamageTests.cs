using Latchkey.Server.Backups;
using Latchkey.Server.Data;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Backups;

/// <summary>A backup that is not what it was is not restored, and nothing is written.</summary>
[Trait("Database", "Sqlite")]
public sealed class DamageTests : IDisposable
{
    readonly string _home = TempDirectory.Make();

    string Target => Path.Combine(_home, "target");

    public void Dispose() => TempDirectory.Delete(_home);

    async Task<string> BackUp(string name)
    {
        await using var server = await TestServer.Run();
        server.AddProduct();
        server.Publish(1, [1, 2, 3]);
        server.Issue(1, "example.com");
        var place = Path.Combine(_home, name);
        await BackedUp.Make(server, place);
        return place;
    }

    async Task<string> Refused(string place, string passphrase = BackedUp.Passphrase)
    {
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => BackedUp.Restore(place, Target, passphrase));
        Assert.True(refused is OperationException, $"{refused}");
        Assert.False(Path.Exists(Target), "something was written");
        return refused.Message;
    }

    [Fact]
    public async Task Each_file_of_a_backup_changed_cut_or_missing_is_found_and_nothing_is_written()
    {
        var place = await BackUp("backups");
        var files = BackedUp.FilesOf(place);
        Assert.Equal(["blobs", "databases", "manifests", "secrets"], files.Select(file => Path.GetRelativePath(place, file).Split('/')[0]));
        foreach (var file in files)
        {
            var good = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            foreach (var bad in Damages(good))
            {
                if (bad is null) File.Delete(file);
                else await File.WriteAllBytesAsync(file, bad, TestContext.Current.CancellationToken);
                var told = await Refused(place);
                Assert.Contains(bad is null && file.Contains("manifests", StringComparison.Ordinal) ? "There is no backup in" : Path.GetFileName(file), told, StringComparison.Ordinal);
            }

            await File.WriteAllBytesAsync(file, good, TestContext.Current.CancellationToken);
        }

        await BackedUp.Restore(place, Target);
    }

    static IEnumerable<byte[]?> Damages(byte[] good)
    {
        foreach (var at in new[] { 0, good.Length / 2, good.Length - 1 })
        {
            var flipped = good.ToArray();
            flipped[at] ^= 1;
            yield return flipped;
        }

        yield return good[..^1];
        yield return [];
        yield return null;
    }

    [Fact]
    public async Task Whoever_changes_a_manifest_so_that_it_reads_well_is_found_out()
    {
        var place = await BackUp("backups");
        var manifest = BackedUp.FilesOf(Path.Combine(place, "manifests")).Single();
        var text = await File.ReadAllTextAsync(manifest, TestContext.Current.CancellationToken);
        foreach (var (from, to) in new[] { ("\"licenses\": 1", "\"licenses\": 2"), ("\"has_files\": true", "\"has_files\": false"), ("\"version\": \"", "\"version\": \"9") })
        {
            Assert.Contains(from, text, StringComparison.Ordinal);
            await File.WriteAllTextAsync(manifest, text.Replace(from, to, StringComparison.Ordinal), TestContext.Current.CancellationToken);
            Assert.Contains("is damaged", await Refused(place), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_file_that_is_another_of_the_same_backup_is_found_out()
    {
        var place = await BackUp("backups");
        var (database, secrets) = (BackedUp.FilesOf(Path.Combine(place, "databases")).Single(), BackedUp.FilesOf(Path.Combine(place, "secrets")).Single());
        File.Copy(database, secrets, overwrite: true);
        Assert.Contains("is damaged", await Refused(place), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_holds_one_backup_is_held_against_it_at_every_byte_that_counts()
    {
        var place = await BackUp("one.tar");
        var good = await File.ReadAllBytesAsync(place, TestContext.Current.CancellationToken);
        using (var archive = new BackupArchive(place))
        {
            foreach (var folder in new[] { "blobs", "databases", "secrets", "manifests" }) Assert.Single(await archive.All(folder, TestContext.Current.CancellationToken));
        }

        // The last three blocks are the end of the archive, and what fills it up.
        foreach (var cut in new[] { 0, 300, good.Length / 3, good.Length - 4096 })
        {
            await File.WriteAllBytesAsync(place, good[..cut], TestContext.Current.CancellationToken);
            await Refused(place);
        }

        for (var at = 700; at < good.Length - 20_000; at += good.Length / 9)
        {
            var flipped = good.ToArray();
            for (var i = at; i < at + 600; i++) flipped[i] ^= 1;
            await File.WriteAllBytesAsync(place, flipped, TestContext.Current.CancellationToken);
            await Refused(place);
        }

        await File.WriteAllBytesAsync(place, good, TestContext.Current.CancellationToken);
        await BackedUp.Restore(place, Target);
    }

    [Fact]
    public async Task A_wrong_passphrase_is_a_sentence_and_so_is_none_and_nothing_is_written()
    {
        var place = await BackUp("backups");
        var wrong = await Cli.Run(["restore", "--from", place, "--data", Target, "--json"], [("LATCHKEY_BACKUP_PASSPHRASE", "correct horse battery stapler")]);
        Assert.StartsWith("The passphrase is wrong: manifests/", Shop.Refused(1, wrong), StringComparison.Ordinal);
        Assert.StartsWith("A passphrase is needed: set LATCHKEY_BACKUP_PASSPHRASE", Shop.Refused(2, await Cli.Run(["backup", "verify", "--from", place, "--json"], [])), StringComparison.Ordinal);
        Assert.False(Path.Exists(Target));
        var short_ = await Cli.Run(["backup", "--to", place, "--data", Target, "--json"], [("LATCHKEY_BACKUP_PASSPHRASE", "too short")]);
        Assert.Contains("fewer than 12 characters", Shop.Refused(1, short_), StringComparison.Ordinal);
        Assert.Contains("not taken from the command line", Shop.Refused(2, await Cli.Run("serve", "--BACKUP_PASSPHRASE", BackedUp.Passphrase, "--data", Target, "--json")), StringComparison.Ordinal);
        Assert.DoesNotContain("too short", short_.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_restored_to_where_something_is()
    {
        var place = await BackUp("backups");
        Directory.CreateDirectory(Target);
        await File.WriteAllTextAsync(Path.Combine(Target, "notes.txt"), "mine", TestContext.Current.CancellationToken);
        var before = Snapshot.Of(Target);
        var refused = await Assert.ThrowsAsync<OperationException>(() => BackedUp.Restore(place, Target));
        Assert.Contains("is not empty", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, Snapshot.Of(Target));

        // What one that was killed has left is no hindrance.
        Directory.Delete(Target, recursive: true);
        foreach (var directory in new[] { ".restoring", "secrets", "files" }) Directory.CreateDirectory(Path.Combine(Target, directory));
        await File.WriteAllTextAsync(Path.Combine(Target, "secrets", "pepper"), "of that one", TestContext.Current.CancellationToken);
        await BackedUp.Restore(place, Target);
        Assert.Equal(["files", "latchkey.db", "secrets", "upgrade.lock"], Directory.EnumerateFileSystemEntries(Target).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }
}
