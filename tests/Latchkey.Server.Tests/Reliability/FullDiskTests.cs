using System.Security.Cryptography;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Reliability;

/// <summary>The data directory on a file system of 3 MB that a filler takes up to the last byte.</summary>
[Trait("Database", "Sqlite")]
public sealed class FullDiskTests : IAsyncLifetime
{
    readonly Shop _shop = new();
    SmallDisk _disk = null!;
    string _key = "";

    public async ValueTask InitializeAsync()
    {
        _disk = await SmallDisk.Mount(_shop.Data, 3);
        await _shop.AddProduct();
        await _shop.Publish(1, "content"u8.ToArray());
        _key = (await _shop.Issue(1, "--domain", "example.com")).Key();
    }

    public async ValueTask DisposeAsync()
    {
        await _disk.DisposeAsync();
        _shop.Dispose();
    }

    /// <summary>Room that the log had already taken may hold a few more mints.</summary>
    async Task<Reply> MintUntilFull(ServeProcess server, List<string> minted)
    {
        for (var i = 0; i < 500; i++)
        {
            var reply = await server.Http.Mint(_key, "example.com", 1);
            if (reply.Status != 200) return reply;
            minted.Add(new Uri(reply.Json.GetProperty("data").Text("download_url")).AbsolutePath);
            _disk.Fill();
        }

        throw new InvalidOperationException("500 tokens were minted on a full disk");
    }

    [Fact]
    public async Task Minting_answers_503_while_verify_goes_on_and_it_recovers_by_itself()
    {
        await using var server = await _shop.Serve();
        var minted = new List<string> { await server.Http.MintPathOf(_key, "example.com", 1) };
        for (var round = 0; round < 3; round++)
        {
            _disk.Fill();
            var refused = await MintUntilFull(server, minted);
            for (var i = 0; i < 10; i++)
            {
                Assert.Equal(503, refused.Status);
                Assert.Equal("""{"success":false,"message":"The service is temporarily unavailable","error_code":"SERVICE_UNAVAILABLE"}""", refused.Text);
                Assert.Equal("SERVICE_UNAVAILABLE", refused.Code);
                Assert.InRange(int.Parse(refused.Header("Retry-After")!), 1, 60);
                Assert.Equal(200, (await server.Http.Verify(_key, "example.com", 1)).Status);
                Assert.Equal(401, (await server.Http.Verify("UNKNOWN-KEY", "example.com", 1)).Status);
                refused = await server.Http.Mint(_key, "example.com", 1);
            }

            // A claim cannot be recorded either: it spends nothing.
            Assert.Equal(503, (await server.Http.Get(minted[0])).Status);
            _disk.MakeRoom();
            var reply = await Poll.Until(() => server.Http.Mint(_key, "example.com", 1), reply => reply.Status == 200, seconds: 10);
            minted.Add(new Uri(reply.Json.GetProperty("data").Text("download_url")).AbsolutePath);
        }

        foreach (var link in minted) Assert.Equal("content", (await server.Http.Get(link)).Text);
        Assert.Equal(0, await server.Terminate());
        Assert.Equal("ok", Tables.Query<string>(_shop.Database, "PRAGMA integrity_check"));
    }

    [Fact]
    public async Task Verify_is_answered_even_if_the_disk_was_filled_before_the_first_request()
    {
        await using var server = await _shop.Serve();
        _disk.Fill();
        Assert.Equal(200, (await server.Http.Verify(_key, "example.com", 1)).Status);
    }

    [Fact]
    public async Task Publishing_on_a_full_disk_ends_with_1_and_a_sentence_and_leaves_nothing_behind()
    {
        var before = _shop.Stored;
        var file = _shop.File("large.zip", RandomNumberGenerator.GetBytes(4_000_000));
        Assert.Matches("disk is full|No space left", await _shop.Refused(1, "product", "publish", "--product", "1", "--file", file));
        Assert.Equal(before, _shop.Stored);

        _disk.Fill();
        var small = _shop.File("small.zip", RandomNumberGenerator.GetBytes(20_000));
        await _shop.Refused(1, "product", "publish", "--product", "1", "--file", small);
        Assert.Equal(before, _shop.Stored);

        _disk.MakeRoom();
        var product = await _shop.Do("product", "publish", "--product", "1", "--file", small);
        Assert.Equal("small.zip", product.GetProperty("artifacts")[0].Text("file_name"));
    }

    [Fact]
    public async Task Commands_that_write_end_with_1_and_a_sentence_and_work_again_once_there_is_room()
    {
        // A server that runs keeps the log where it is, as in production.
        await using var server = await _shop.Serve();
        _disk.Fill();
        await MintUntilFull(server, []);
        Assert.Matches("disk", await _shop.Refused(1, "license", "issue", "--product", "1"));
        Assert.Matches("disk", await _shop.Refused(1, "license", "rotate", "1"));
        Assert.Equal(_key, (await _shop.Do("license", "show", "1")).Key());
        var doctor = await _shop.Run("doctor");
        Assert.Equal(1, doctor.Status);
        Assert.Contains("0 MiB are free", doctor.Output, StringComparison.Ordinal);

        _disk.MakeRoom();
        Assert.NotEqual(_key, (await _shop.Do("license", "rotate", "1")).Key());
        Assert.Equal(401, (await server.Http.Verify(_key, "example.com", 1)).Status);
    }

    [Fact]
    public async Task A_backup_that_has_no_room_for_its_copy_says_so_and_leaves_nothing()
    {
        _disk.Fill();
        var refused = await Cli.Run(["backup", "--to", Path.Combine(_shop.Home, "backups"), "--data", _shop.Data, "--json"], [("LATCHKEY_BACKUP_PASSPHRASE", "correct horse battery staple")]);
        Assert.Matches("disk|full|room", Shop.Refused(1, refused));
        Assert.Empty(Directory.GetDirectories(_shop.Data, "backup-*"));
        _disk.MakeRoom();
    }
}
