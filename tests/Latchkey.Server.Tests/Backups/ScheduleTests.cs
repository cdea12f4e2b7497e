using Latchkey.Server.Activity;
using Latchkey.Server.Backups;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Backups;

/// <summary>Backups that the server makes by itself.</summary>
public sealed class ScheduleTests : IDisposable
{
    readonly string _home = TempDirectory.Make();

    string Place => Path.Combine(_home, "backups");

    public void Dispose() => TempDirectory.Delete(_home);

    (string, string)[] Schedule => [("Backup:To", Place), ("Backup:Keep", "2"), (BackupSettings.PassphraseName, BackedUp.Passphrase)];

    int Count => Directory.Exists(Path.Combine(Place, "manifests")) ? Directory.GetFiles(Path.Combine(Place, "manifests"), "*.json").Length : 0;

    /// <summary>Time goes on minute by minute, until a look at the schedule has come to its end.</summary>
    static async Task Pass(TestServer server, TimeSpan time)
    {
        server.Clock.Advance(time - TimeSpan.FromMinutes(1));
        server.Clock.Advance(TimeSpan.FromMinutes(1));
        await Task.Yield();
    }

    static LastBackups Last(TestServer server) => BackupResults.Read(server.Data.Database);

    static List<AttentionView> Attention(TestServer server) => server.Work(work => new Statistics(work).Attention(work.Now)).Where(item => item.Kind.StartsWith("backup", StringComparison.Ordinal)).ToList();

    static async Task<BackupResult> Done(TestServer server, DateTimeOffset after) =>
        (await Poll.Until(() => Task.FromResult(Last(server)), last => last.Done is { } done && done.At > after)).Done!;

    [Fact]
    public async Task One_a_day_is_made_also_over_a_restart_and_the_newest_stay()
    {
        var data = Path.Combine(_home, "data");
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TestServer.Start);
        {
            var server = await TestServer.Run(data, clock, Schedule);
            Assert.Equal(0, Count);
            await Pass(server, TimeSpan.FromMinutes(1));
            var first = await Done(server, TestServer.Start);
            Assert.Equal((Place, first.At + TimeSpan.FromDays(1), 1), (first.Place, first.NextAt, Count));
            Assert.True(first.Bytes > 100_000);
            await server.Stop();
        }

        await using (var server = await TestServer.Run(data, clock, Schedule))
        {
            // A look that finds nothing due leaves no trace: the next one is the proof that it was there.
            await Pass(server, TimeSpan.FromHours(23));
            for (var day = 1; day < 4; day++)
            {
                var before = Last(server).Done!;
                await Pass(server, day == 1 ? TimeSpan.FromHours(1) : TimeSpan.FromDays(1));
                var next = await Done(server, before.At);
                Assert.True(next.At >= before.NextAt, $"made at {next.At}, and was due at {before.NextAt}");
            }

            await Poll.Until(() => Task.FromResult(Count), count => count == 2);
            Assert.Empty(Attention(server));
        }
    }

    [Fact]
    public async Task One_that_fails_is_told_and_tried_again_within_the_hour()
    {
        await File.WriteAllTextAsync(Place, "in the way", TestContext.Current.CancellationToken);
        await using var server = await TestServer.Run([.. Schedule, ("Telemetry:Metrics:Token", "a-token-of-more-than-16")]);
        await Pass(server, TimeSpan.FromMinutes(1));
        var failed = (await Poll.Until(() => Task.FromResult(Last(server)), last => last.Failed is not null)).Failed!;
        var item = Assert.Single(Attention(server));
        Assert.Equal(("backup_failed", "error"), (item.Kind, item.Severity));
        Assert.StartsWith($"The backup of 1 January 00:01 UTC failed: ", item.Sentence, StringComparison.Ordinal);
        Assert.EndsWith("There is none before it.", item.Sentence, StringComparison.Ordinal);
        Assert.DoesNotContain(BackedUp.Passphrase, item.Sentence + string.Concat(server.Log.Lines), StringComparison.Ordinal);
        await Poll.Until(() => Task.FromResult(server.Services.GetRequiredService<BackupHealth>()), health => health is { Failures: 1, Last.HasFailed: true });

        File.Delete(Place);
        await Pass(server, TimeSpan.FromHours(1));
        await Done(server, failed.At);
        Assert.Empty(Attention(server));
    }

    [Fact]
    public async Task Without_a_passphrase_it_says_so_and_makes_none()
    {
        await using var server = await TestServer.Run(("Backup:To", Place));
        Assert.Contains(server.Log.Lines, line => line.Contains("LATCHKEY_BACKUP_PASSPHRASE is not", StringComparison.Ordinal));
        await Pass(server, TimeSpan.FromMinutes(1));
        Assert.Contains("There is no passphrase", (await Poll.Until(() => Task.FromResult(Last(server)), last => last.Failed is not null)).Failed!.Sentence, StringComparison.Ordinal);
        Assert.Equal(0, Count);
    }

    [Fact]
    public async Task One_that_does_not_come_is_late_until_nobody_waits_for_one_any_more()
    {
        await using var server = await TestServer.Run();
        void DueSince(int minutes) => Tables.Execute(server.Database(), FormattableString.Invariant($"DELETE FROM backup_results; INSERT INTO backup_results (outcome, at, milliseconds, place, bytes, copied_bytes, next_at) VALUES ('done', 0, 1, '/b', 1, 1, {UnixMicroseconds.From(TestServer.Start.AddMinutes(-minutes))})"));
        DueSince(59);
        Assert.Empty(Attention(server));
        DueSince(61);
        Assert.Equal("backup_late", Assert.Single(Attention(server)).Kind);

        // This server has no schedule.
        await Pass(server, TimeSpan.FromMinutes(1));
        await Poll.Until(() => Task.FromResult(Attention(server).Count), count => count == 0);
    }

    [Fact]
    public async Task One_made_by_hand_does_not_take_the_place_of_the_schedules_last()
    {
        await using var server = await TestServer.Run();
        using var writes = server.Data.Database.MakeWriteQueue();
        var run = new BackupRun(writes, new Leases(writes), server.Clock);
        Task<FinishedBackup?> Make(TimeSpan? every) => run.Try(every is null ? "/by/hand" : Place, every, async _ => new FinishedBackup(await BackedUp.Make(server, Place), 0, null), TestContext.Current.CancellationToken);
        await Make(null);
        Assert.Equal("/by/hand", Last(server).Done!.Place);
        await Make(TimeSpan.FromDays(1));
        server.Clock.Advance(TimeSpan.FromSeconds(5));
        await Make(null);
        Assert.Equal((Place, TestServer.Start), (Last(server).Done!.Place, Last(server).Done!.At));
        await Assert.ThrowsAsync<OperationException>(() => run.Try("/by/hand", null, _ => throw new OperationException("no"), TestContext.Current.CancellationToken));
        Assert.Empty(Attention(server));
    }

    /// <summary>Two at one place would remove what the other needs.</summary>
    [Fact]
    public async Task One_whose_turn_another_node_took_meanwhile_breaks_off()
    {
        await using var server = await TestServer.Run();
        using var writes = server.Data.Database.MakeWriteQueue();
        var started = new TaskCompletionSource();
        async Task<FinishedBackup> Endless(CancellationToken stop)
        {
            started.SetResult();
            await Task.Delay(Timeout.Infinite, stop);
            throw new InvalidOperationException();
        }

        var first = new BackupRun(writes, new Leases(writes), server.Clock).Try(Place, null, Endless, TestContext.Current.CancellationToken);
        await started.Task;
        await writes.Run("UPDATE leases SET holder = 'another' WHERE name = 'backup'");
        await Poll.Until(
            () =>
            {
                server.Clock.Advance(TimeSpan.FromSeconds(31));
                return Task.FromResult(first.IsCompleted);
            },
            isOver => isOver);
        Assert.Null(await first);
        Assert.Equal("another", Tables.Query<string>(server.Database(), "SELECT holder FROM leases WHERE name = 'backup'"));
    }

    [Fact]
    public async Task Two_at_once_are_one()
    {
        await using var server = await TestServer.Run();
        using var writes = server.Data.Database.MakeWriteQueue();
        var started = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        async Task<FinishedBackup> Slow(CancellationToken stop)
        {
            started.SetResult();
            await end.Task;
            return new FinishedBackup(await BackedUp.Make(server, Place), 0, null);
        }

        var first = new BackupRun(writes, new Leases(writes), server.Clock).Try(Place, null, Slow, TestContext.Current.CancellationToken);
        await started.Task;
        var second = new BackupRun(writes, new Leases(writes), server.Clock);
        Assert.Null(await second.Try(Place, null, _ => throw new InvalidOperationException(), TestContext.Current.CancellationToken));
        end.SetResult();
        Assert.NotNull(await first);
        Assert.NotNull(await second.Try(Place, null, async _ => new FinishedBackup(await BackedUp.Make(server, Path.Combine(_home, "more")), 0, null), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("Backup:To", "s3://", "Backup:To is \"s3://\", which names no bucket")]
    [InlineData("Backup:To", "ftp://example.com/x", "Backup:To is \"ftp://example.com/x\", which is no place for backups: it must be a directory, or s3://BUCKET/PREFIX.")]
    [InlineData("Backup:To", "/mnt/one.tar", "a file, which holds one backup")]
    [InlineData("Backup:Every", "00:01:00", "Backup:Every is \"00:01:00\", but must be a duration as d.hh:mm:ss or hh:mm:ss, from 00:05:00 to 31.00:00:00")]
    [InlineData("Backup:Keep", "0", "Backup:Keep is \"0\", but must be a whole number from 1 to 10000")]
    [InlineData("Backup:Files", "some", "Backup:Files is \"some\", but must be one of Include, Reference.")]
    [InlineData("BACKUP_PASSPHRASE", "hunter2", "LATCHKEY_BACKUP_PASSPHRASE: The passphrase has fewer than 12 characters")]
    public void A_wrong_setting_is_told_with_what_it_may_be(string name, string value, string told)
    {
        var failure = Assert.Throws<SettingsException>(() => BackedUp.SettingsFor("/nowhere", (name, value)));
        Assert.Contains(told, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_passphrase_is_masked_where_settings_are_shown()
    {
        var sources = new ConfigurationBuilder().AddInMemoryCollection([new(BackupSettings.PassphraseName, BackedUp.Passphrase)]).Build();
        Assert.Equal("••••••••", SettingsInUse.Of(sources, out _).Single(setting => setting.Name == BackupSettings.PassphraseName).Value);
    }
}
