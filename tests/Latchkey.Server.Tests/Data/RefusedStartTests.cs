using System.Security.Cryptography;
using Latchkey.Server.Data;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.DataDirectories;

/// <summary>A data directory that cannot be used stops every start with a sentence, and stays byte for byte as it was.</summary>
public sealed class RefusedStartTests : IDisposable
{
    static readonly string[] Serve = ["serve", "--urls", "http://127.0.0.1:0"];
    static readonly string[] Add = ["product", "add", "--name", "X", "--prefix", "X"];
    static readonly string[] List = ["license", "list"];

    readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    string Pepper => Path.Combine(_shop.Secrets, "pepper.key");
    string EncryptionKey => Path.Combine(_shop.Secrets, "encryption.key");

    /// <summary>An installation with a license; of a server that was stopped, or killed with its last writes still in the log.</summary>
    async Task Install(bool killed)
    {
        await _shop.AddProduct();
        await _shop.Issue(1);
        await using var server = await _shop.Serve();
        if (killed)
        {
            // The server's own connection keeps the log in being when the command's is closed.
            Assert.Equal(401, (await server.Http.Verify("UNKNOWN-KEY", "example.com", 1)).Status);
            await _shop.Issue(1);
            await server.Kill();
            Assert.True(new FileInfo(_shop.Database + "-wal").Length > 0);
        }
        else
        {
            Assert.Equal(0, await server.Terminate());
        }
    }

    async Task RefusesAndTouchesNothing(params string[] words)
    {
        var before = Snapshot.Of(_shop.Home);
        foreach (var command in new[] { Serve, Add, List })
        {
            var sentence = await _shop.Refused(1, command);
            Assert.DoesNotContain('\n', sentence);
            Assert.All(words, word => Assert.Contains(word, sentence, StringComparison.OrdinalIgnoreCase));
            Assert.Equal(before, Snapshot.Of(_shop.Home));
        }

        Assert.Equal(1, (await _shop.Run("doctor")).Status);
        Assert.Equal(before, Snapshot.Of(_shop.Home));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Refuses_to_start_when_a_secret_is_missing_damaged_or_of_another_installation_and_touches_nothing(bool killed)
    {
        using var other = new Shop();
        await other.AddProduct();
        await Install(killed);
        foreach (var file in new[] { Pepper, EncryptionKey })
        {
            var right = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            File.Delete(file);
            await RefusesAndTouchesNothing(file, "missing", "backup");

            await File.WriteAllBytesAsync(file, right[..^5], TestContext.Current.CancellationToken);
            await RefusesAndTouchesNothing(file, "damaged", "backup");

            await File.WriteAllBytesAsync(file, [], TestContext.Current.CancellationToken);
            await RefusesAndTouchesNothing(file, "damaged", "backup");

            File.Copy(Path.Combine(other.Secrets, Path.GetFileName(file)), file, overwrite: true);
            await RefusesAndTouchesNothing("not the ones", "backup");

            await File.WriteAllBytesAsync(file, right, TestContext.Current.CancellationToken);
        }

        await using var server = await _shop.Serve();
    }

    [Fact]
    public async Task Refuses_to_start_when_all_secrets_are_gone_and_makes_no_new_ones()
    {
        await Install(killed: false);
        Directory.Delete(_shop.Secrets, recursive: true);
        await RefusesAndTouchesNothing("missing", "backup");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Refuses_to_start_on_a_newer_schema_and_touches_nothing(bool killed)
    {
        await Install(killed: false);
        Tables.Execute(_shop.Database, "INSERT INTO __EFMigrationsHistory VALUES ('29991231235959_Future', '99.0.0')");
        if (killed)
        {
            // As a newer version leaves it that was killed: the row is in the log alone.
            Tables.Execute(_shop.Database, "DELETE FROM __EFMigrationsHistory WHERE MigrationId LIKE '2999%'");
            await using var server = await _shop.Serve();
            Assert.Equal(401, (await server.Http.Verify("UNKNOWN-KEY", "example.com", 1)).Status);
            Tables.Execute(_shop.Database, "INSERT INTO __EFMigrationsHistory VALUES ('29991231235959_Future', '99.0.0')");
            await server.Kill();
            Assert.True(new FileInfo(_shop.Database + "-wal").Length > 0);
        }

        await RefusesAndTouchesNothing("newer", "29991231235959_Future");
    }

    [Fact]
    public async Task Refuses_to_start_on_what_is_not_our_database_and_touches_nothing()
    {
        await Install(killed: false);
        var ours = await File.ReadAllBytesAsync(_shop.Database, TestContext.Current.CancellationToken);

        await File.WriteAllTextAsync(_shop.Database, "This is a letter, not a database.\n", TestContext.Current.CancellationToken);
        await RefusesAndTouchesNothing("latchkey.db", "not an SQLite database");

        await File.WriteAllBytesAsync(_shop.Database, RandomNumberGenerator.GetBytes(100_000), TestContext.Current.CancellationToken);
        await RefusesAndTouchesNothing("latchkey.db", "not an SQLite database");

        await File.WriteAllBytesAsync(_shop.Database, [.. ours[..100], .. new byte[ours.Length - 100]], TestContext.Current.CancellationToken);
        await RefusesAndTouchesNothing("latchkey.db", "damaged");

        File.Delete(_shop.Database);
        Tables.Execute(_shop.Database, "CREATE TABLE songs (title TEXT)");
        await RefusesAndTouchesNothing("latchkey.db", "some other program");
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("text")]
    public async Task Refuses_to_start_on_a_foreign_file_alone_without_calling_it_an_installation_that_lost_its_secrets(string kind)
    {
        Directory.CreateDirectory(_shop.Data);
        if (kind == "sqlite") Tables.Execute(_shop.Database, "CREATE TABLE songs (title TEXT)");
        else await File.WriteAllTextAsync(_shop.Database, "This is a letter, not a database.\n", TestContext.Current.CancellationToken);
        await RefusesAndTouchesNothing("latchkey.db", kind == "sqlite" ? "some other program" : "not an SQLite database");
    }

    [Fact]
    public async Task Refuses_to_start_when_the_data_directory_is_a_file_and_touches_nothing()
    {
        _shop.File("data", "a file");
        await RefusesAndTouchesNothing(_shop.Data, "is a file");
    }

    [Theory]
    [InlineData("empty")]
    [InlineData("installed")]
    [InlineData("parent")]
    public async Task Refuses_to_start_when_its_user_may_not_write_the_data_directory_and_touches_nothing(string what)
    {
        if (what == "installed") await Install(killed: false);
        else if (what == "empty") Directory.CreateDirectory(_shop.Data);
        foreach (var directory in Directory.EnumerateDirectories(_shop.Home, "*", SearchOption.AllDirectories).Prepend(_shop.Home)) await Bash($"chmod 755 '{directory}'");
        await Bash($"find '{_shop.Home}' -type f -exec chmod 644 {{}} +");

        // The program must be readable for that user wherever the checkout lies.
        var program = Directory.CreateTempSubdirectory("latchkey-program-").FullName;
        await Bash($"cp -r '{Path.GetDirectoryName(Cli.Program)}/.' '{program}' && chmod -R a+rX '{program}'");
        var before = Snapshot.Of(_shop.Home);
        foreach (var command in new[] { string.Join(' ', Serve), string.Join(' ', Add) })
        {
            var result = await Bash($"cd / && exec setpriv --reuid=65534 --regid=65534 --clear-groups '{program}/latchkey' {command} --data '{_shop.Data}' --json", expected: 1);
            Assert.Contains(_shop.Data, Shop.Refused(1, result), StringComparison.Ordinal);
            Assert.Equal(before, Snapshot.Of(_shop.Home));
        }

        TempDirectory.Delete(program);
    }

    [Fact]
    public void An_SQLite_with_the_reset_bug_is_refused()
    {
        foreach (var old in new[] { "3.51.2", "3.7.17", "3.50.9", "2.8.17" })
        {
            var refused = Assert.Throws<DataDirectoryException>(() => DataDirectory.RequireSqlite(Version.Parse(old)));
            Assert.Contains(old, refused.Message, StringComparison.Ordinal);
            Assert.Contains("3.51.3", refused.Message, StringComparison.Ordinal);
        }

        foreach (var good in new[] { "3.51.3", "3.52.0", "3.100.0", "4.0.0" }) DataDirectory.RequireSqlite(Version.Parse(good));
    }

    static async Task<CliResult> Bash(string line, int expected = 0)
    {
        using var bash = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("bash", ["-c", line]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = bash.StandardError.ReadToEndAsync();
        var output = await bash.StandardOutput.ReadToEndAsync();
        await bash.WaitForExitAsync();
        var result = new CliResult(bash.ExitCode, output, await error);
        Assert.True(result.Status == expected, $"{line}\nended with {result.Status}: {result.Output} {result.Error}");
        return result;
    }
}
