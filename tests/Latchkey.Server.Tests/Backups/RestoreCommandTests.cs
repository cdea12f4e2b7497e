using System.Diagnostics;
using System.Text;
using Latchkey.Server.Customers;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Backups;

/// <summary>What a person sees of a backup and of a restore, and what nobody sees in a backup.</summary>
[Trait("Database", "Sqlite")]
public sealed class RestoreCommandTests : IDisposable
{
    readonly Shop _shop = new();

    string In(string name) => Path.Combine(_shop.Home, name);

    public void Dispose() => _shop.Dispose();

    [Fact]
    public async Task What_is_newer_than_the_copy_is_listed_from_the_directory_of_before()
    {
        {
            var server = await TestServer.Run(_shop.Data, new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow()));
            server.AddProduct();
            server.Issue(1, "example.com");
            await BackedUp.Done(["backup", "--to", In("backups"), "--data", _shop.Data]);
            server.Clock.SetUtcNow(TimeProvider.System.GetUtcNow());
            server.Operate(licenses => licenses.Suspend(1));
            server.Issue(1, "example.org");
            await server.Stop();
        }

        Directory.Move(_shop.Data, In("old"));
        var result = await BackedUp.Cli(["restore", "--from", In("backups"), "--data", _shop.Data, "--old", In("old")]);
        Assert.Equal(0, result.Status);
        Assert.Contains("license.suspend 1  by ", result.Output, StringComparison.Ordinal);
        Assert.Contains("license.issue 2  by ", result.Output, StringComparison.Ordinal);
        Assert.Contains("    licenses: 2 there, 1 in the copy", result.Output, StringComparison.Ordinal);
        Assert.Contains("Licenses suspended or revoked since then are active", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("product.add", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_key_no_token_no_secret_and_no_name_can_be_read_in_a_backup()
    {
        var canaries = new List<string> { "Findable-Name", "findable@example.com", "BROUGHT-Canary-0001", BackedUp.Passphrase };
        await using (var server = await TestServer.Run(_shop.Data, null))
        {
            server.AddProduct("Findable-Name");
            server.Publish(1, [1, 2, 3]);
            server.Work(work => new CustomerOperations(work).Add(7, new CustomerFields("Findable-Name", "findable@example.com")));
            var key = server.Operate(licenses => licenses.Issue(new IssueLicense(1, ["example.com"], Key: "BROUGHT-Canary-0001"))).LicenseKey!;
            for (var i = 0; i < 3; i++) canaries.Add((await server.Http.MintPathOf(key, "example.com", 1)).Split('/')[^1]);
            canaries.AddRange(Directory.GetFiles(_shop.Secrets).Select(file => File.ReadAllText(file).Trim()));
            await BackedUp.Make(server, In("backups"));
            await BackedUp.Make(server, In("one.tar"));
            await BackedUp.Restore(In("one.tar"), In("new"));
        }

        string[] files = [.. BackedUp.FilesOf(In("backups")), In("one.tar")];
        Assert.Equal(5, canaries.Count(canary => canary.Length == 64));
        foreach (var file in files) AssertNone(file, canaries);

        // The copy itself, as whoever has the passphrase sees it.
        Assert.True(await Holds(In("new/latchkey.db"), "Findable-Name"));
        AssertNone(In("new/latchkey.db"), canaries[2..]);
    }

    static async Task<bool> Holds(string file, string text) => (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;

    static void AssertNone(string file, IEnumerable<string> canaries)
    {
        var bytes = File.ReadAllBytes(file);
        foreach (var canary in canaries)
        {
            Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(canary)) < 0, $"{file} holds {canary}");
            if (canary.Length == 64) Assert.True(bytes.AsSpan().IndexOf(Convert.FromHexString(canary)) < 0, $"{file} holds the bytes of {canary}");
        }
    }

    [Fact]
    public async Task On_a_terminal_the_passphrase_is_asked_for_twice_and_never_shown()
    {
        {
            var server = await TestServer.Run(_shop.Data, null);
            server.AddProduct();
            await server.Stop();
        }

        const string terminal = """
            import os, pty, sys
            said, asked = b"", 0
            child, fd = pty.fork()
            if child == 0:
                os.execv(sys.argv[1], sys.argv[1:])
            while True:
                try:
                    part = os.read(fd, 4096)
                except OSError:
                    break
                if not part: break
                said += part
                if said.count(b": ") > asked and said.rstrip(b" ").endswith(b":"):
                    asked += 1
                    os.write(fd, b"a passphrase that is typed\r")
            sys.stdout.buffer.write(said)
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            """;
        var start = new ProcessStartInfo("python3", ["-c", terminal, Cli.Program, "backup", "--to", In("backups"), "--data", _shop.Data]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("LATCHKEY_BACKUP_PASSPHRASE");
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, said);
        Assert.Contains("Passphrase of the backup: ", said, StringComparison.Ordinal);
        Assert.Contains("The same again: ", said, StringComparison.Ordinal);
        Assert.DoesNotContain("that is typed", said, StringComparison.Ordinal);
        await BackedUp.Restore(In("backups"), In("new"), "a passphrase that is typed");
    }

    [Fact]
    public async Task A_database_that_was_put_back_by_other_means_is_told_so()
    {
        string link;
        await using (var server = await TestServer.Run(_shop.Data, new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow())))
        {
            server.AddProduct();
            server.Publish(1, [1, 2, 3]);
            link = await server.Http.MintPathOf(server.Issue(1, "example.com").LicenseKey!, "example.com", 1);
            var report = await BackedUp.Done(["backup", "restored", "--data", _shop.Data]);
            Assert.Equal(1, report.GetProperty("dead_links").GetInt64());
            (await server.Http.Get(link)).Is(410, "DOWNLOAD_TOKEN_EXPIRED");
        }
    }
}
