using System.Security.Cryptography;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Backups;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Tests.Admin.Api;
using Latchkey.Server.Tests.Backups;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Reliability;

/// <summary>The machine's clock jumps by a day, and back again.</summary>
public sealed class ClockTests
{
    readonly SetClock _clock = new();

    Task<TestServer> Run(params (string, string)[] settings) => TestServer.Run(TempDirectory.Make(), _clock, settings);

    static string AddLicense(TestServer server, byte[] file)
    {
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey!;
        server.Publish(1, file);
        return key;
    }

    [Theory]
    [InlineData(24)]
    [InlineData(-24)]
    public async Task A_link_delivers_once_and_nothing_is_5xx(int hours)
    {
        await using var server = await Run();
        var key = AddLicense(server, [1, 2, 3]);
        Task<string> Mint() => server.Http.MintPathOf(key, "example.com", 1);
        async Task<int> Claim(string link) => (await server.Http.Get(link)).Status;
        var (used, before) = (await Mint(), await Mint());
        Assert.Equal(200, await Claim(used));

        _clock.Jump(hours);
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(200, (await server.Http.Verify(key, "example.com", 1)).Status);
        Assert.Equal(410, await Claim(used));

        // A release that is not published yet, as the clock has it, cannot be minted for.
        var minted = await server.Http.Mint(key, "example.com", 1);
        Assert.Equal(hours > 0 ? 200 : 404, minted.Status);
        Assert.Equal(hours > 0 ? 410 : 200, await Claim(before));
        var meanwhile = hours > 0 ? await Mint() : before;
        if (hours > 0) Assert.Equal(200, await Claim(meanwhile));

        _clock.Jump(-hours);
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((410, 410), (await Claim(used), await Claim(meanwhile)));

        // It had only seemed to be over.
        if (hours > 0) Assert.Equal(200, await Claim(before));
        Assert.Equal(410, await Claim(before));
        var after = await Mint();
        Assert.Equal((200, 410), (await Claim(after), await Claim(after)));
        Assert.Equal("ok", (await server.Http.Get("/readyz")).Json.GetProperty("status").GetString());
    }

    /// <summary>A crash leaves the transfer's lease behind as it was, which was written while the clock was a day ahead.</summary>
    [Fact]
    public async Task A_transfer_that_broke_off_under_a_wrong_clock_goes_on_under_the_right_one()
    {
        await using var server = await Run(("TrustedProxies:0", "127.0.0.1"));
        var file = RandomNumberGenerator.GetBytes(24_000_000);
        var link = await server.Http.MintPathOf(AddLicense(server, file), "example.com", 1);
        _clock.Jump(23.9);
        long Open() => server.WithDb(db => db.DownloadTokens.LongCount(token => token.Transfer != null));
        string transfer;
        long lease;
        using (await server.Http.GetAsync(link, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            (transfer, lease) = server.WithDb(db => db.DownloadTokens.AsEnumerable().Select(token => (token.Transfer!, UnixMicroseconds.From(token.LeaseUntil!.Value))).Single());
        }

        await Poll.Until(() => Task.FromResult(Open()), open => open == 0);
        Tables.Execute(server.Database(), $"UPDATE download_tokens SET transfer = '{transfer}', lease_until = {lease}");
        Assert.Equal("DOWNLOAD_TOKEN_USED", (await server.Http.Get(link, ("Range", "bytes=100-"))).Code);
        _clock.Jump(-23.9);
        Assert.Equal(410, (await server.Http.Get(link, ("X-Forwarded-For", "203.0.113.7"), ("Range", "bytes=100-"))).Status);
        var rest = await server.Http.Get(link, ("Range", "bytes=100-"));
        Assert.Equal(206, rest.Status);
        Assert.Equal(file[100..], rest.Bytes);
        Assert.Equal(410, (await server.Http.Get(link)).Status);
    }

    [Fact]
    public async Task A_transfer_that_runs_while_the_clock_goes_back_is_not_delivered_beside_another()
    {
        await using var server = await Run();
        var file = RandomNumberGenerator.GetBytes(24_000_000);
        var link = await server.Http.MintPathOf(AddLicense(server, file), "example.com", 1);
        using var first = await server.Http.GetAsync(link, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        _clock.Jump(-24);
        using var other = server.Client();
        var second = await other.Get(link);
        Assert.Equal(200, second.Status);
        Assert.Equal(file, second.Bytes);
        await Assert.ThrowsAnyAsync<Exception>(() => first.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal(410, (await server.Http.Get(link)).Status);
    }

    [Theory]
    [InlineData(24)]
    [InlineData(-24)]
    public async Task The_limit_holds_and_nobody_waits_for_longer_than_a_minute(int hours)
    {
        await using var server = await Run(("RateLimit:RequestsPerMinute", "5"), ("RateLimit:FailuresPerMinute", "3"));
        var key = AddLicense(server, [1]);
        async Task<int> Allowed(string sent)
        {
            var allowed = 0;
            for (var i = 0; i < 8; i++)
            {
                var reply = await server.Http.Verify(sent, "example.com", 1);
                if (reply.Status != 429) allowed++;
                else Assert.InRange(int.Parse(reply.Header("Retry-After")!), 1, 60);
            }

            return allowed;
        }

        Assert.Equal(5, await Allowed(key));
        foreach (var jump in new[] { hours, -hours })
        {
            _clock.Jump(jump);

            // Where Redis counts, it is Redis' clock that jumped: ahead, what it had counted is over.
            var more = await Allowed(key);
            if (!TestDatabase.IsPostgreSql || jump < 0) Assert.Equal(0, more);
            server.Clock.Advance(TimeSpan.FromSeconds(61));
            Assert.Equal(3, await Allowed("A-WRONG-KEY"));
            server.Clock.Advance(TimeSpan.FromSeconds(61));
            Assert.Equal(5, await Allowed(key));
        }
    }

    [Theory]
    [InlineData(24)]
    [InlineData(-24)]
    public async Task Nobody_is_locked_out_of_the_panel_for_a_day(int hours)
    {
        await using var server = await Run();
        await server.Owner();
        if (hours > 0) _clock.Jump(hours);
        for (var i = 0; i < 5; i++) Assert.Equal(401, (await new Browser(server).SignIn(Staff.Ann, "a wrong password")).Status);
        Assert.Equal(401, (await new Browser(server).SignIn(Staff.Ann)).Status);
        _clock.Jump(-24);
        server.Clock.Advance(Attempts.Lockout);
        Assert.Equal(303, (await new Browser(server).SignIn(Staff.Ann)).Status);
    }

    [Theory]
    [InlineData(24)]
    [InlineData(-24)]
    public async Task A_code_of_the_app_is_taken_once_and_the_next_one_too(int hours)
    {
        await using var server = await Run();
        var (key, _) = await (await server.Owner()).TurnOnSecondFactor();
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        async Task<int> Give(string code)
        {
            var browser = new Browser(server);
            await browser.Get((await browser.SignIn(Staff.Ann)).Location!);
            return (await browser.Post("/admin/sign-in/second-factor", ("code", code), ("return_to", "/admin/account"))).Status;
        }

        string Code() => Totp.CodeAt(key, _clock.GetUtcNow());
        var codes = new List<string> { Code() };
        Assert.Equal(303, await Give(codes[0]));
        foreach (var jump in new[] { hours, -hours })
        {
            _clock.Jump(jump);
            Assert.Equal(401, await Give(codes[0]));
            if (jump != hours) server.Clock.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(303, await Give(Code()));
            Assert.Equal(401, await Give(Code()));
        }
    }

    [Fact]
    public async Task A_confirmation_of_a_day_ahead_does_not_last_for_a_day()
    {
        await using var server = await Run();
        var owner = await server.Owner();
        _clock.Jump(24);
        owner = new Browser(server);
        await owner.SignIn(Staff.Ann);
        Assert.True(await owner.IsIn());
        _clock.Jump(-24);
        Assert.True(await owner.IsIn());
        Assert.Equal("/admin/confirm?return_to=%2Fadmin%2Faccount", (await owner.Post("/admin/account/recovery-codes")).Location);
        Assert.Equal(303, (await owner.Post("/admin/confirm", ("password", Browser.Password))).Status);
    }

    [Fact]
    public async Task A_link_that_was_ended_while_the_clock_was_ahead_stays_ended()
    {
        await using var server = await Run();
        await server.Owner();
        var link = server.Invite("bob@example.com", Role.Viewer);
        Assert.Equal(200, (await new Browser(server).Get(link)).Status);
        _clock.Jump(24);
        server.OperateStaff(staff => staff.Withdraw(staff.Invitations().Single().Id));
        _clock.Jump(-24);
        Assert.Equal(410, (await new Browser(server).Get(link)).Status);
    }

    [Fact]
    public async Task A_node_that_died_with_its_clock_ahead_does_not_keep_the_work_from_others()
    {
        var data = TempDirectory.Make();
        var server = await TestServer.Run(data, _clock);
        var key = AddLicense(server, [1]);
        long Tokens() => Tables.Query<long>(DataDirectory.DatabaseFile(data), "SELECT count(*) FROM download_tokens");
        async Task Old(TestServer running)
        {
            await running.Http.MintPathOf(key, "example.com", 1);
            Tables.Execute(running.Database(), "UPDATE download_tokens SET expires_at = 0");
        }

        await Old(server);
        _clock.Jump(24);
        _clock.Advance(TimeSpan.FromHours(1));
        await Poll.Until(() => Task.FromResult(Tokens()), count => count == 0);
        await server.Stop();
        _clock.Jump(-24);
        await using var next = await TestServer.Run(data, _clock);
        await Old(next);

        // Its lease may have been taken just before.
        await Poll.Until(
            () =>
            {
                _clock.Advance(TimeSpan.FromHours(1));
                return Task.FromResult(Tokens());
            },
            count => count == 0 || _clock.GetUtcNow() > TestServer.Start.AddHours(6), seconds: 30);
        await Poll.Until(() => Task.FromResult(Tokens()), count => count == 0, seconds: 3);
    }

    [Theory]
    [InlineData(24)]
    [InlineData(-24)]
    public async Task Backups_go_on_and_the_last_one_made_stays(int hours)
    {
        var place = Path.Combine(TempDirectory.Make(), "backups");
        await using var server = await Run(("Backup:To", place), ("Backup:Keep", "1"), (BackupSettings.PassphraseName, BackedUp.Passphrase));
        LastBackups Last() => BackupResults.Read(server.Data.Database);
        async Task<DateTimeOffset> Made(DateTimeOffset? before) =>
            (await Poll.Until(() => Task.FromResult(Last()), last => last.Done is { } done && done.At != before)).Done!.At;
        DateTimeOffset? at = null;
        foreach (var jump in new[] { 0, hours, -hours })
        {
            _clock.Jump(jump);
            server.Clock.Advance(TimeSpan.FromMinutes(1));
            at = await Made(at);
            Assert.Equal(_clock.GetUtcNow(), at);
            var stays = await Poll.Until(() => Task.FromResult(Directory.GetFiles(Path.Combine(place, "manifests"))), files => files.Length == 1);
            using var manifest = System.Text.Json.JsonDocument.Parse(await File.ReadAllBytesAsync(stays[0], TestContext.Current.CancellationToken));
            Assert.Equal(Server.Http.Wire.Micros(at.Value), manifest.RootElement.GetProperty("made_at").GetString());
        }

        server.Clock.Advance(TimeSpan.FromHours(24));
        await Made(at);
        Assert.False(Last().HasFailed);
    }

    [Fact]
    public async Task A_failed_backup_of_a_day_ahead_is_not_the_last_one_for_a_day()
    {
        var place = Path.Combine(TempDirectory.Make(), "backups");
        await File.WriteAllTextAsync(place, "in the way", TestContext.Current.CancellationToken);
        await using var server = await Run(("Backup:To", place), (BackupSettings.PassphraseName, BackedUp.Passphrase));
        LastBackups Last() => BackupResults.Read(server.Data.Database);
        _clock.Jump(24);
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        await Poll.Until(() => Task.FromResult(Last()), last => last.HasFailed);
        File.Delete(place);
        _clock.Jump(-24);
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        await Poll.Until(() => Task.FromResult(Last()), last => last is { Done: not null, HasFailed: false });
    }

    [Fact]
    public async Task A_file_that_is_just_coming_in_is_no_orphan_of_yesterday()
    {
        await using var server = await Run();
        server.AddProduct();
        server.Publish(1, [1]);
        _clock.Advance(TimeSpan.FromMinutes(50));
        var coming = server.Files.PathOf(new string('b', 32));
        Directory.CreateDirectory(Path.GetDirectoryName(coming)!);
        await File.WriteAllTextAsync(coming, "x", TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(coming, _clock.GetUtcNow().UtcDateTime);
        _clock.Jump(24.1);
        _clock.Advance(TimeSpan.FromMinutes(10));
        await Poll.Until(() => Task.FromResult(server.WithDb(db => db.Set<Lease>().Count(lease => lease.Name == "blob_sweep"))), leases => leases == 1);
        for (var looks = 0; looks < 25; looks++)
        {
            Assert.True(File.Exists(coming));
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        // What nobody has written to for an hour more is one.
        _clock.Advance(TimeSpan.FromHours(1));
        await Poll.Until(() => Task.FromResult(File.Exists(coming)), isThere => !isThere);
    }

    [Fact]
    public async Task What_was_seen_a_day_ahead_does_not_hide_what_is_seen_now()
    {
        await using var server = await Run();
        var key = AddLicense(server, [1]);
        async Task<long> Seen(long before)
        {
            await server.Http.Verify(key, "example.com", 1);
            server.Clock.Advance(TimeSpan.FromSeconds(1));
            return await Poll.Until(() => Task.FromResult(Tables.Query<long>(server.Database(), "SELECT coalesce(max(at), 0) FROM last_seen")), at => at != before);
        }

        _clock.Jump(24);
        var ahead = await Seen(0);
        _clock.Jump(-24);
        Assert.InRange(await Seen(ahead), 1, UnixMicroseconds.From(TestServer.Start.AddMinutes(1)));
    }

    [Fact]
    public async Task A_change_is_made_once_though_a_day_seems_to_lie_between_and_the_trail_is_in_order()
    {
        await using var server = await Run();
        AddLicense(server, [1]);
        var client = server.Admin();
        Task<Reply> Suspend() => client.Post("/licenses/1/suspend", null, ("Idempotency-Key", "once"));
        (await Suspend()).Ok(200);
        _clock.Jump(24);
        Assert.Equal("true", (await Suspend()).Header("Idempotency-Replayed"));
        (await client.Post("/licenses/1/resume")).Ok(200);
        _clock.Jump(-48);
        (await client.Post("/licenses/1/suspend")).Ok(200);
        var trail = (await client.Get("/audit")).Items().Select(entry => entry.Text("action")).Take(3);
        Assert.Equal(["license.suspend", "license.resume", "license.suspend"], trail);
    }
}

/// <summary>The same with the real program: what the system tells it about the time is changed while it runs.</summary>
[Trait("Database", "Sqlite")]
public sealed class ProcessClockTests : IDisposable
{
    // faketime of Debian; the program is started with it as "faketime" starts one.
    const string Library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

    readonly Shop _shop = new();

    string Offset => Path.Combine(_shop.Home, "offset");

    public void Dispose() => _shop.Dispose();

    static async Task<DateTimeOffset> Date(ServeProcess server)
    {
        using var answer = await server.Http.GetAsync("/livez", TestContext.Current.CancellationToken);
        return answer.Headers.Date!.Value;
    }

    [Theory]
    [InlineData(24)]
    [InlineData(-24)]
    public async Task A_server_whose_machine_is_set_by_a_day_and_back_goes_on(int hours)
    {
        Assert.True(File.Exists(Library), "faketime is not installed: ./test does that");
        await _shop.AddProduct();
        await _shop.Publish(1, [1, 2, 3]);
        var key = (await _shop.Issue(1, "--domain", "example.com")).Key();
        await File.WriteAllTextAsync(Offset, "+0", TestContext.Current.CancellationToken);
        (string, string)[] environment =
            [.. Shop.NoLimits, ("LD_PRELOAD", Library), ("FAKETIME_TIMESTAMP_FILE", Offset), ("FAKETIME_CACHE_DURATION", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")];
        await using var server = await ServeProcess.Run(_shop.Data, environment);
        var links = new List<string>();
        foreach (var (offset, off) in new[] { ("+0", 0), ($"{hours:+0;-0}h", hours), ("+0", 0) })
        {
            await File.WriteAllTextAsync(Offset, offset, TestContext.Current.CancellationToken);
            await Poll.Until(() => Date(server), date => (date - TimeProvider.System.GetUtcNow() - TimeSpan.FromHours(off)).Duration() < TimeSpan.FromMinutes(5));
            Assert.Equal(200, (await server.Http.Verify(key, "example.com", 1)).Status);
            Assert.Equal(401, (await server.Http.Verify("UNKNOWN-KEY", "example.com", 1)).Status);
            foreach (var link in links) Assert.Equal(410, (await server.Http.Get(link)).Status);
            var minted = await server.Http.Mint(key, "example.com", 1);
            Assert.Equal(off < 0 ? 404 : 200, minted.Status);
            if (minted.Status != 200) continue;
            links.Add(new Uri(minted.Json.GetProperty("data").Text("download_url")).AbsolutePath);
            Assert.Equal(200, (await server.Http.Get(links[^1])).Status);
            Assert.Equal(410, (await server.Http.Get(links[^1])).Status);
        }

        Assert.Equal(0, await server.Terminate());
        Assert.DoesNotContain("Unhandled", server.Log, StringComparison.Ordinal);
        Assert.Equal("ok", Tables.Query<string>(_shop.Database, "PRAGMA integrity_check"));
    }
}
