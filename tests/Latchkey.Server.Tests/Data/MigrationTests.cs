using Latchkey.Server.Tests.Support;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Tests.DataDirectories;

public sealed class MigrationTests
{
    [Fact]
    public async Task The_model_has_no_change_without_a_migration()
    {
        await using var server = await TestServer.Run();
        Assert.False(server.WithDb(db => db.Database.HasPendingModelChanges()));
        Assert.Empty(server.WithDb(db => db.Database.GetPendingMigrations().ToList()));
    }

    [Fact]
    public async Task What_root_publishes_in_somebodys_data_directory_is_theirs()
    {
        using var shop = new Shop();
        await shop.Do("product", "add", "--name", "Plugin", "--prefix", "PLUG");
        using (var chown = System.Diagnostics.Process.Start("chown", ["-R", "65534:65534", shop.Data])) await chown.WaitForExitAsync();
        await shop.Do("product", "publish", "--product", "1", "--file", shop.File("plugin.zip", "content"));
        using var find = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("find", [shop.Data, "!", "-uid", "65534"]) { RedirectStandardOutput = true })!;
        Assert.Equal("", await find.StandardOutput.ReadToEndAsync());
        Assert.Equal(3, Directory.EnumerateFileSystemEntries(Path.Combine(shop.Data, "files"), "*", SearchOption.AllDirectories).Prepend("files").Count());
    }
}
