using System.Security.Cryptography;
using Latchkey.Server.Tests.Backups;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Reliability;

/// <summary>
/// The disk fills at each moment of an operation: it has no page left, one, two, … until the operation comes through. Each is done
/// whole or refused, what was acknowledged is there after a crash, and all goes on by itself once there is room.
/// </summary>
[Trait("Database", "Sqlite")]
public sealed class FullDiskMomentsTests : IAsyncLifetime
{
    const int MostPages = 400;

    static readonly byte[] Small = RandomNumberGenerator.GetBytes(10_000);
    static readonly byte[] Large = RandomNumberGenerator.GetBytes(300_000);

    readonly Shop _shop = new();
    SmallDisk _disk = null!;
    string[] _keys = [];

    public async ValueTask InitializeAsync()
    {
        _disk = await SmallDisk.Mount(_shop.Data, 8);
        for (var product = 1; product <= 2; product++)
        {
            await _shop.AddProduct();
            await _shop.Publish(product, product == 1 ? Small : Large);
        }

        _keys = [(await _shop.Issue(1, "--domain", "example.com")).Key(), (await _shop.Issue(2, "--domain", "example.com")).Key()];
    }

    public async ValueTask DisposeAsync()
    {
        await _disk.DisposeAsync();
        _shop.Dispose();
    }

    long Count(string table) => Tables.Query<long>(_shop.Database, $"SELECT count(*) FROM {table}");

    void AssertSound() => Assert.Equal("ok", Tables.Query<string>(_shop.Database, "PRAGMA integrity_check"));

    static string LinkOf(Reply minted) => new Uri(minted.Json.GetProperty("data").Text("download_url")).AbsolutePath;

    static void AssertRefused(Reply reply)
    {
        Assert.Equal((503, "SERVICE_UNAVAILABLE"), (reply.Status, reply.Code));
        Assert.InRange(int.Parse(reply.Header("Retry-After")!), 1, 60);
    }

    /// <summary>Each number of free pages, until the operation has come through three times in a row: room that was taken before it was refused can be used the next time.</summary>
    /// <param name="moment">Does it with so much room, makes room, and sees what came of it.</param>
    /// <param name="step">Pages more each time.</param>
    /// <param name="most">Pages with which it has to come through.</param>
    /// <returns>How often it was refused.</returns>
    async Task<int> Each(Func<Task<bool>> moment, int step = 1, int most = MostPages)
    {
        var (refused, done) = (0, 0);
        for (var pages = 0; done < 3; pages += step)
        {
            Assert.True(pages <= most, $"it does not come through with {pages} pages");
            _disk.Fill(pages * SmallDisk.Page);
            if (await moment()) done++;
            else (refused, done) = (refused + 1, 0);
            _disk.MakeRoom();
        }

        return refused;
    }

    [Fact]
    public async Task A_mint_is_on_disk_or_was_never_made()
    {
        var minted = new List<string>();
        await using (var server = await _shop.Serve())
        {
            Assert.InRange(await Each(async () =>
            {
                var reply = await server.Http.Mint(_keys[0], "example.com", 1);
                if (reply.Status == 200) minted.Add(LinkOf(reply));
                else AssertRefused(reply);
                Assert.Equal(200, (await server.Http.Verify(_keys[0], "example.com", 1)).Status);

                // Without a restart; and so that the next one has to ask for room anew.
                _disk.MakeRoom();
                minted.Add(await server.Http.MintPathOf(_keys[0], "example.com", 1));
                Assert.Equal(minted.Count, Count("download_tokens"));
                return reply.Status == 200;
            }), 2, MostPages);

            await server.Kill();
        }

        await using var next = await _shop.Serve();
        foreach (var link in minted) Assert.Equal(Small, (await next.Http.Get(link)).Bytes);
        foreach (var link in minted) Assert.Equal(410, (await next.Http.Get(link)).Status);
        AssertSound();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_claim_delivers_the_whole_file_once_or_spends_nothing(int product)
    {
        var file = product == 1 ? Small : Large;
        var links = new Queue<string>();
        var used = new List<string>();
        await using (var server = await _shop.Serve())
        {
            for (var i = 0; i < 60; i++) links.Enqueue(await server.Http.MintPathOf(_keys[product - 1], "example.com", product));
            Assert.InRange(await Each(async () =>
            {
                var link = links.Dequeue();
                var get = server.Http.Get(link);

                // A large one that has begun waits for room before its last piece.
                await Task.WhenAny(get, Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken));
                var hadToWait = !get.IsCompleted;
                _disk.MakeRoom();
                var reply = await get;
                if (reply.Status != 200) AssertRefused(reply);
                Assert.Equal(file, (reply.Status == 200 ? reply : await server.Http.Get(link)).Bytes);
                Assert.Equal(410, (await server.Http.Get(link)).Status);
                used.Add(link);
                return reply.Status == 200 && !hadToWait;
            }), 1, MostPages);

            await server.Kill();
        }

        await using var next = await _shop.Serve();
        foreach (var link in used) Assert.Equal(410, (await next.Http.Get(link)).Status);
        Assert.Equal(file, (await next.Http.Get(links.Dequeue())).Bytes);
        AssertSound();
    }

    [Fact]
    public async Task An_upload_is_a_release_or_leaves_nothing()
    {
        var apiKey = (await _shop.Do("api-key", "add", "--name", "Test", "--scope", "products:write")).Text("key");
        Task<Reply> Upload(HttpClient http)
        {
            var request = new HttpRequestMessage(HttpMethod.Put, "/api/admin/products/1/files/a.zip") { Content = new ByteArrayContent(Large) };
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {apiKey}");
            return http.Read(request);
        }

        await using (var server = await _shop.Serve())
        {
            Assert.InRange(await Each(
                async () =>
                {
                    var (before, stored) = (Count("releases"), _shop.Stored.Length);
                    var reply = await Upload(server.Http);
                    Assert.Contains(reply.Status, (int[])[201, 503, 507]);
                    var more = reply.Status == 201 ? 1 : 0;
                    Assert.Equal((before + more, stored + more), (Count("releases"), _shop.Stored.Length));
                    _disk.MakeRoom();

                    // What was there before it is downloaded as before, and the newest is the one that was acknowledged last.
                    Assert.Equal(more == 1 ? Large : stored == 2 ? Small : Large, (await server.Http.Get(await server.Http.MintPathOf(_keys[0], "example.com", 1))).Bytes);
                    return reply.Status == 201;
                },
                step: 4), 2, MostPages);
            await server.Kill();
        }

        await using var next = await _shop.Serve();
        Assert.Equal(201, (await Upload(next.Http)).Status);
        AssertSound();
    }

    [Fact]
    public async Task A_publish_on_the_command_line_is_a_release_or_ends_with_1_and_a_sentence()
    {
        var file = _shop.File("more.zip", Small);
        string[] publish = ["product", "publish", "--product", "1", "--file", file, "--json"];

        // Without a server, a look at the database wants room too.
        var (releases, stored) = (Count("releases"), _shop.Stored.Length);
        Assert.InRange(await Each(
            async () =>
            {
                var result = await _shop.Run(publish);
                if (result.Status != 0) Shop.Refused(1, result);
                else (releases, stored) = (releases + 1, stored + 1);
                _disk.MakeRoom();
                Assert.Equal((releases, stored), (Count("releases"), _shop.Stored.Length));
                return result.Status == 0;
            },
            step: 3), 1, MostPages);
        AssertSound();
    }

    [Fact]
    public async Task A_backup_whose_place_is_full_is_whole_or_ends_with_1_and_a_sentence()
    {
        // Of an installation on the large disk.
        using var roomy = new Shop();
        await roomy.AddProduct();
        await roomy.Publish(1, Small);
        await BackUp(roomy.Data, Path.Combine(_disk.Path, "backups"), step: 24);
    }

    /// <summary>What a copy of the database needs, and 64 MiB, have to be free.</summary>
    [Fact]
    public async Task A_backup_of_a_full_disk_is_whole_or_ends_with_1_and_a_sentence()
    {
        await _disk.DisposeAsync();
        _disk = await SmallDisk.Mount(_shop.Data, 96);
        await _shop.AddProduct();
        await _shop.Publish(1, Small);
        await BackUp(_shop.Data, Path.Combine(_shop.Home, "backups"), step: 3000, most: 24_000);
    }

    async Task BackUp(string data, string place, int step, int most = MostPages)
    {
        string[] Manifests() => Directory.Exists(Path.Combine(place, "manifests")) ? Directory.GetFiles(Path.Combine(place, "manifests"), "*.json") : [];
        Assert.InRange(await Each(
            async () =>
            {
                var before = Manifests().Length;
                var result = await BackedUp.Cli(["backup", "--to", place, "--data", data, "--json"]);
                Assert.Empty(Directory.GetDirectories(data, "backup-*"));
                _disk.MakeRoom();
                if (result.Status != 0) Assert.Matches("disk|full|room|space|written", Shop.Refused(1, result));
                else await BackedUp.Done(["backup", "verify", "--from", place]);
                Assert.Equal(before + (result.Status == 0 ? 1 : 0), Manifests().Length);
                return result.Status == 0;
            },
            step, most), 1, most);
        await BackedUp.Done(["backup", "--to", place, "--data", data]);
        await BackedUp.Done(["backup", "verify", "--from", place]);
    }
}
