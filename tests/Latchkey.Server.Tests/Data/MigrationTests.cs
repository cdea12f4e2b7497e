using Latchkey.Server.Data;
using Latchkey.Server.Tests.Support;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Tests.DataDirectories;

public sealed class MigrationTests
{
    [Fact]
    public void Neither_database_has_a_change_of_its_model_without_a_migration()
    {
        using var sqlite = new DesignTimeSqlite().CreateDbContext([]);
        using var postgreSql = new DesignTimePostgreSql().CreateDbContext([]);
        Assert.False(sqlite.Database.HasPendingModelChanges());
        Assert.False(postgreSql.Database.HasPendingModelChanges());
    }

    /// <summary>A new database beside old secrets would answer every customer "Invalid license key".</summary>
    [Fact]
    public async Task A_database_that_is_gone_is_not_made_anew()
    {
        using var shop = new Shop();
        await shop.Do("product", "add", "--name", "Plugin", "--prefix", "PLUG");
        File.Delete(Path.Combine(shop.Data, "latchkey.db"));
        var result = await shop.Run("product", "add", "--name", "Plugin", "--prefix", "PLUG");
        Assert.Equal(1, result.Status);
        Assert.Contains("latchkey.db is missing beside", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(shop.Data, "latchkey.db")));
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
