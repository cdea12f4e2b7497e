using System.Diagnostics;
using System.Security.Cryptography;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.DataDirectories;

public sealed class FirstStartTests : IDisposable
{
    const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const UnixFileMode MineToEnter = Mine | UnixFileMode.UserExecute;

    readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    static void AssertPrivate(string root)
    {
        foreach (var place in Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories).Prepend(root))
        {
            var mode = File.GetUnixFileMode(place);
            Assert.True(mode == (Directory.Exists(place) ? MineToEnter : Mine), $"{place} is {mode}");
        }
    }

    [Fact]
    public async Task Files_are_0600_and_directories_0700_whatever_the_umask_and_in_a_directory_that_was_open()
    {
        Directory.CreateDirectory(_shop.Data);
        File.SetUnixFileMode(_shop.Data, MineToEnter | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        var file = _shop.File("product.zip", "content");
        foreach (var command in new[] { "product add --name X --prefix X", $"product publish --product 1 --file '{file}'", "license issue --product 1 --domain example.com" })
        {
            using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", $"umask 000; '{Cli.Program}' {command} --data '{_shop.Data}'"]) { RedirectStandardOutput = true })!;
            await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, bash.ExitCode);
        }

        AssertPrivate(_shop.Data);
        await using var server = await _shop.Serve();
        var key = (await _shop.Do("license", "show", "1")).Key();
        Assert.Equal("content", (await server.Http.Get(await server.Http.MintPathOf(key, "example.com", 1))).Text);
        Assert.True(File.Exists(_shop.Database + "-wal"));
        AssertPrivate(_shop.Data);
    }

    [Fact]
    public async Task A_second_start_has_everything_that_the_first_one_had()
    {
        await _shop.AddProduct();
        await _shop.Publish(1, "content"u8.ToArray());
        var key = (await _shop.Issue(1)).Key();
        string link, before;
        await using (var server = await _shop.Serve())
        {
            link = await server.Http.MintPathOf(key, "example.com", 1);
            before = (await server.Http.Verify(key, "example.com", 1)).Text;
            Assert.Equal(0, await server.Terminate());
        }

        await using (var server = await _shop.Serve())
        {
            Assert.Equal(before, (await server.Http.Verify(key, "example.com", 1)).Text);
            Assert.Equal(403, (await server.Http.Verify(key, "other.com", 1)).Status);
            Assert.Equal("content", (await server.Http.Get(link)).Text);
        }

        await using var third = await _shop.Serve();
        Assert.Equal("DOWNLOAD_TOKEN_USED", (await third.Http.Get(link)).Code);
    }

    [Fact]
    public async Task Processes_that_start_at_once_on_a_fresh_directory_all_come_up_on_one_installation()
    {
        for (var round = 0; round < 3; round++)
        {
            using var shop = new Shop();
            var (one, two, add) = (shop.Serve(), shop.Serve(), shop.AddProduct());
            await Task.WhenAll(one, two, add);
            await using var first = await one;
            await using var second = await two;
            var key = (await shop.Issue(1, "--domain", "example.com")).Key();
            Assert.Equal(200, (await first.Http.Verify(key, "example.com", 1)).Status);
            Assert.Equal(200, (await second.Http.Verify(key, "example.com", 1)).Status);
            Assert.Equal(1L, Tables.Query<long>(shop.Database, "SELECT count(*) FROM installation"));
        }
    }

    [Fact]
    public async Task A_first_start_that_is_killed_leaves_a_directory_that_the_next_one_can_use()
    {
        for (var round = 0; round < 10; round++)
        {
            using var shop = new Shop();
            using (var first = Cli.Start(["serve", "--data", shop.Data, "--urls", "http://127.0.0.1:0"], []))
            {
                await Task.Delay(20 + (40 * round) + RandomNumberGenerator.GetInt32(-20, 21), TestContext.Current.CancellationToken);
                first.Kill();
                await first.WaitForExitAsync(TestContext.Current.CancellationToken);
            }

            Assert.Equal(1, await shop.AddProduct());
            Assert.Equal("ok", Tables.Query<string>(shop.Database, "PRAGMA integrity_check"));
            AssertPrivate(shop.Data);
        }
    }
}
