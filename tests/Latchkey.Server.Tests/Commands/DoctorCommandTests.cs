using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed class DoctorCommandTests
{
    static async Task<Shop> Stocked()
    {
        var shop = new Shop();
        await shop.AddProduct();
        await shop.Publish(1, "the file"u8.ToArray(), "plugin.zip");
        await shop.Issue(1);
        return shop;
    }

    /// <returns>The findings that are not "ok": the status, what, and what to do.</returns>
    static async Task<List<(string Status, string What, string ToDo)>> Examine(Shop shop, int status)
    {
        var result = await shop.Run("doctor", "--json");
        Assert.True(result.Status == status, $"ended with {result.Status}: {result.Output} {result.Error}");
        var report = Shop.Document(result.Output);
        Assert.Equal(status == 0, report.GetProperty("healthy").GetBoolean());
        return [.. report.GetProperty("findings").EnumerateArray()
            .Where(finding => finding.Text("status") != "ok")
            .Select(finding => (finding.Text("status"), finding.Text("what"), finding.Text("to_do")))];
    }

    /// <summary>Without the directories: SQLite's log comes and goes while the database is read.</summary>
    static string[] FilesOf(Shop shop) => [.. Snapshot.Of(shop.Data).Where(line => !line.EndsWith(" directory", StringComparison.Ordinal))];

    [Fact]
    public async Task A_healthy_installation_is_called_so_and_is_not_touched()
    {
        using var shop = await Stocked();
        var before = FilesOf(shop);
        Assert.Empty(await Examine(shop, 0));
        var text = await shop.Run("doctor");
        Assert.Equal(0, text.Status);
        Assert.EndsWith("All is well.\n", text.Output, StringComparison.Ordinal);
        Assert.Equal(before, FilesOf(shop));
    }

    [Fact]
    public async Task Runs_beside_a_server()
    {
        using var shop = await Stocked();
        await using var server = await shop.Serve();
        Assert.Empty(await Examine(shop, 0));
        Assert.Equal(401, (await server.Http.Verify("UNKNOWN-KEY", "example.com", 1)).Status);
    }

    [Theory]
    [InlineData("the filE", "hash")]
    [InlineData("the fil", "7 bytes")]
    [InlineData(null, "missing")]
    public async Task A_published_file_that_is_not_what_it_was_is_named_and_yanking_its_release_cures_it(string? content, string what)
    {
        using var shop = await Stocked();
        var stored = Assert.Single(shop.Stored);
        if (content is null) File.Delete(stored);
        else await File.WriteAllTextAsync(stored, content, TestContext.Current.CancellationToken);
        var finding = Assert.Single(await Examine(shop, 1));
        Assert.Equal("FAULT", finding.Status);
        Assert.Contains("plugin.zip of release 1.0.0, product 1", finding.What, StringComparison.Ordinal);
        Assert.Contains(what, finding.What, StringComparison.Ordinal);
        Assert.Contains("latchkey release yank 1", finding.ToDo, StringComparison.Ordinal);

        await shop.Publish(1, "the file"u8.ToArray(), "plugin.zip");
        await shop.Do("release", "yank", "1");
        Assert.Equal(0, (await shop.Run("doctor")).Status);
    }

    [Fact]
    public async Task A_file_that_belongs_to_no_product_is_told()
    {
        using var shop = await Stocked();
        await File.WriteAllTextAsync(Path.Combine(Path.GetDirectoryName(shop.Stored[0])!, "0123456789abcdef0123456789abcdef"), "x", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(shop.Stored.Single(file => file.EndsWith("0123456789abcdef0123456789abcdef", StringComparison.Ordinal)), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var finding = Assert.Single(await Examine(shop, 0));
        Assert.Equal("warning", finding.Status);
        Assert.StartsWith("1 file", finding.What, StringComparison.Ordinal);
        Assert.Contains("no release", finding.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Half_a_copy_that_a_killed_publication_left_behind_is_told()
    {
        using var shop = await Stocked();
        var left = Path.Combine(shop.Data, "files", "0123456789abcdef0123456789abcdef.tmp");
        await File.WriteAllTextAsync(left, "x", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(left, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal("warning", Assert.Single(await Examine(shop, 0)).Status);
    }

    [Theory]
    [InlineData("")]
    [InlineData("latchkey.db")]
    [InlineData("secrets/pepper.key")]
    [InlineData("files")]
    public async Task What_others_may_read_is_named_with_the_command_that_helps(string name)
    {
        using var shop = await Stocked();
        var place = Path.Combine(shop.Data, name).TrimEnd('/');
        File.SetUnixFileMode(place, File.GetUnixFileMode(place) | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        var finding = Assert.Single(await Examine(shop, 0));
        Assert.Equal("warning", finding.Status);
        Assert.Contains($"others may read {place}", finding.What, StringComparison.Ordinal);
        using var bash = System.Diagnostics.Process.Start("bash", ["-c", finding.ToDo]);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Empty(await Examine(shop, 0));
    }

    [Fact]
    public async Task Wrong_settings_are_all_named()
    {
        using var shop = await Stocked();
        var result = await Cli.Run(["doctor", "--data", shop.Data, "--json"], [("LATCHKEY_Connections__Max", "many"), ("LATCHKEY_PublicUrl", "ftp://x")]);
        Assert.Equal(1, result.Status);
        var faults = Shop.Document(result.Output).GetProperty("findings").EnumerateArray().Where(f => f.Text("status") == "FAULT").Select(f => f.Text("what")).ToList();
        Assert.Equal(2, faults.Count);
        Assert.Contains(faults, fault => fault.StartsWith("Connections:Max is \"many\"", StringComparison.Ordinal));
        Assert.Contains(faults, fault => fault.StartsWith("PublicUrl is \"ftp://x\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_setting_that_does_not_exist_is_told()
    {
        using var shop = await Stocked();
        var result = await Cli.Run(["doctor", "--data", shop.Data], [("LATCHKEY_PublicUrI", "https://example.com")]);
        Assert.Equal(0, result.Status);
        Assert.Contains("no setting PublicUrI", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Damage_to_the_database_is_a_fault()
    {
        using var shop = await Stocked();
        await using (var file = File.OpenWrite(shop.Database))
        {
            file.Seek(4096 * 3, SeekOrigin.Begin);
            file.Write(System.Security.Cryptography.RandomNumberGenerator.GetBytes(4096 * 8));
        }

        Assert.Contains(await Examine(shop, 1), finding => finding.Status == "FAULT" && (finding.What + finding.ToDo).Contains("backup", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("swapped")]
    public async Task Secrets_that_are_not_those_of_the_database_are_a_fault(string how)
    {
        using var shop = await Stocked();
        var pepper = Path.Combine(shop.Secrets, "pepper.key");
        if (how == "missing") File.Delete(pepper);
        else await File.WriteAllTextAsync(pepper, new string('a', 64) + "\n", TestContext.Current.CancellationToken);
        var finding = Assert.Single(await Examine(shop, 1));
        Assert.Equal("FAULT", finding.Status);
        Assert.Contains("secrets", finding.What, StringComparison.Ordinal);
    }
}
