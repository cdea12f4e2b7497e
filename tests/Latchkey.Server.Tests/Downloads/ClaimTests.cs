using System.Diagnostics;
using Latchkey.Server.Data;
using Latchkey.Server.Downloads;
using Latchkey.Server.Http;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Latchkey.Server.RateLimits;
using Latchkey.Server.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Latchkey.Server.Tests.Downloads;

/// <summary>What a claim waits for, and how long; the statement that decides is in <see cref="OnceTests"/>.</summary>
public sealed class ClaimTests
{
    const long Size = 100_000;
    static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    static CancellationToken Stays => TestContext.Current.CancellationToken;

    static readonly TokenFacts Free = new(
        1, 2, LicenseState.Active, null, Now.AddDays(1), null, null, 0, 0, null, 0, false, false, false, "Plugin", "1.0.0",
        new Artifact { FileName = "a.zip", ContentType = "application/zip", Sha256 = [], BlobId = "b", Size = Size });

    static readonly TokenFacts Claimed = Free with { ClaimedBy = default(ClientAddress).ToString(), HighWater = Size };
    static readonly TokenFacts Busy = Claimed with { LeaseUntil = Now.AddSeconds(1) };

    static Transfer Wanted(long from, long length) => new(1, 2, 3, "b", default, "t", new ByteRange(from, length, Size), -1, length, false);

    readonly Claim _claim = new(new FakeTimeProvider(Now));
    int _found;
    int _taken;

    Task<Claim.Outcome> Try(TokenFacts? token, Transfer transfer, Func<int, TokenFacts?> find, Func<int, Claim.Outcome?>? take = null, CancellationToken? clientGone = null) => _claim.Try(
        token, transfer,
        () => ValueTask.FromResult(find(Interlocked.Increment(ref _found))),
        (_, wanted, _) => Task.FromResult(take is null ? new Claim.Outcome(wanted, null) : take(Interlocked.Increment(ref _taken))),
        clientGone ?? Stays);

    [Fact]
    public async Task What_is_free_is_taken_at_once_with_what_is_known_of_it()
    {
        var token = Claimed with { HighWater = 7, BytesServed = Size };
        var outcome = await Try(token, Wanted(0, Size), _ => null);
        Assert.Null(outcome.Refused);
        Assert.Equal((7, Size / 2), (outcome.Transfer.HighWaterBefore, outcome.Transfer.Limit));
        Assert.Equal(0, _found);
    }

    [Fact]
    public async Task What_will_not_pass_is_refused_at_once_and_nothing_is_claimed()
    {
        Assert.Same(Wire.InvalidDownloadToken, (await Try(null, Wanted(0, Size), _ => Free, _ => null)).Refused);
        Assert.Same(Wire.DownloadTokenSpent, (await Try(Free with { SpentAt = Now }, Wanted(0, Size), _ => Free, _ => null)).Refused);
        Assert.Same(Wire.DownloadTokenOverBudget, (await Try(Claimed with { BytesServed = 3 * Size }, Wanted(1, Size - 1), _ => Free, _ => null)).Refused);
        Assert.Equal((0, 0), (_found, _taken));
    }

    [Fact]
    public async Task Where_somebody_was_quicker_it_looks_again()
    {
        var outcome = await Try(Free, Wanted(0, Size), found => found < 3 ? Free : null, _ => null);
        Assert.Same(Wire.InvalidDownloadToken, outcome.Refused);
        Assert.Equal((3, 3), (_found, _taken));
    }

    [Fact]
    public async Task A_transfer_that_ends_in_a_moment_is_waited_for()
    {
        Assert.Null((await Try(Busy, Wanted(0, Size), _ => Claimed)).Refused);
        Assert.Equal(1, _found);
    }

    [Fact]
    public async Task What_no_transfer_has_reached_yet_is_waited_for()
    {
        Assert.Null((await Try(Claimed with { HighWater = 10 }, Wanted(11, 20), _ => Claimed)).Refused);
        Assert.Equal(1, _found);
    }

    /// <summary>It looks every 50 ms; a machine that is busy makes it look less often, never more.</summary>
    [Theory]
    [InlineData(0, 500)]
    [InlineData(1, 2000)]
    public async Task A_new_start_waits_half_a_second_and_a_resumption_two(long from, int milliseconds)
    {
        var began = Stopwatch.GetTimestamp();
        Assert.Same(Wire.DownloadTokenBusy, (await Try(Busy, Wanted(from, 10), _ => Busy)).Refused);
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalMilliseconds, milliseconds - 20, double.MaxValue);
        Assert.InRange(_found, 0, (milliseconds / 50) + 1);
    }

    /// <summary>Whoever looked for the token for long waits for its turn the less: the answer is due two seconds after the request.</summary>
    [Fact]
    public async Task What_was_waited_before_counts()
    {
        Patience.Begin();
        var began = Stopwatch.GetTimestamp();
        await Poll.Until(() => Task.FromResult(Stopwatch.GetElapsedTime(began).TotalSeconds), seconds => seconds > 1.5);
        Assert.Same(Wire.DownloadTokenBusy, (await Try(Busy, Wanted(1, 10), _ => Busy)).Refused);
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 1.98, double.MaxValue);
        Assert.InRange(_found, 0, 11);
    }

    [Fact]
    public async Task Sixteen_wait_for_a_token_and_no_more()
    {
        var free = new TaskCompletionSource<TokenFacts?>();
        Task<Claim.Outcome> Wait(Func<ValueTask<TokenFacts?>> find) =>
            _claim.Try(Busy, Wanted(1, 10), find, (_, wanted, _) => Task.FromResult<Claim.Outcome?>(new Claim.Outcome(wanted, null)), Stays);
        var waiting = Enumerable.Range(0, 16).Select(_ => Wait(() => new ValueTask<TokenFacts?>(free.Task))).ToList();
        var looked = 0;
        ValueTask<TokenFacts?> Look()
        {
            looked++;
            return ValueTask.FromResult<TokenFacts?>(Claimed);
        }

        Assert.Same(Wire.DownloadTokenBusy, (await Wait(Look)).Refused);
        Assert.Equal(0, looked);
        Assert.Equal(2, _claim.Remembered);
        free.SetResult(Claimed);
        Assert.All(await Task.WhenAll(waiting), outcome => Assert.Null(outcome.Refused));

        // Their places are free again, and nobody is remembered.
        Assert.Equal(0, _claim.Remembered);
        Assert.Null((await Wait(Look)).Refused);
        Assert.Equal(1, looked);
    }

    [Fact]
    public async Task The_end_is_served_behind_the_holes_in_the_middle()
    {
        var holeTaken = new TaskCompletionSource<Claim.Outcome?>();
        var hole = Wanted(10, 20);
        var middle = _claim.Try(Claimed, hole, () => ValueTask.FromResult<TokenFacts?>(Claimed), (_, _, _) => holeTaken.Task, Stays);

        // Of another file it is no matter.
        Assert.Null((await Try(Claimed, Wanted(50, Size - 50) with { TokenId = 9 }, _ => null)).Refused);
        Assert.Equal(0, _found);

        // The end looks again, and there finds the hole closed.
        var looked = new TaskCompletionSource();
        async ValueTask<TokenFacts?> Look()
        {
            looked.TrySetResult();
            await middle;
            return Claimed;
        }

        var end = _claim.Try(Claimed, Wanted(50, Size - 50), Look, (_, wanted, _) => Task.FromResult<Claim.Outcome?>(new Claim.Outcome(wanted, null)), Stays);
        Assert.Same(looked.Task, await Task.WhenAny(looked.Task, end));
        holeTaken.SetResult(new Claim.Outcome(hole, null));
        Assert.Null((await middle).Refused);
        Assert.Null((await end).Refused);
    }

    [Fact]
    public async Task The_beginning_the_whole_and_a_fresh_tail_wait_for_no_hole()
    {
        var holeTaken = new TaskCompletionSource<Claim.Outcome?>();
        var hole = Wanted(10, 20);
        var middle = _claim.Try(Claimed, hole, () => ValueTask.FromResult<TokenFacts?>(Claimed), (_, _, _) => holeTaken.Task, Stays);
        Assert.Null((await Try(Claimed, Wanted(0, Size), _ => null)).Refused);
        Assert.Null((await Try(Claimed, Wanted(0, 10), _ => null)).Refused);
        Assert.Null((await Try(Claimed, Wanted(40, 10), _ => null)).Refused);
        Assert.Null((await Try(Free, Wanted(50, Size - 50), _ => null)).Refused);
        Assert.Equal(0, _found);
        holeTaken.SetResult(new Claim.Outcome(hole, null));
        Assert.Null((await middle).Refused);
    }

    /// <summary>A client needs a moment to ask again for what broke off; that of the end would use the link up meanwhile.</summary>
    [Fact]
    public async Task The_end_waits_for_a_part_that_broke_off_and_no_longer_than_it_may()
    {
        _claim.BrokenOff(Wanted(10, 20));
        _claim.BrokenOff(Wanted(10, Size - 10) with { TokenId = 9 });
        var began = Stopwatch.GetTimestamp();
        var end = Try(Claimed, Wanted(50, Size - 50), _ => Claimed);
        Assert.Null((await Try(Claimed, Wanted(50, Size - 50) with { TokenId = 9 }, _ => null)).Refused);
        Assert.Null((await Try(Claimed, Wanted(15, 15), _ => null)).Refused);
        Assert.False(end.IsCompleted);
        Assert.Null((await end).Refused);
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalMilliseconds, 1400, double.MaxValue);
        await Poll.Until(() => Task.FromResult(_claim.Remembered), remembered => remembered == 0);
    }

    /// <summary>A beginning is no hole, nor is an end: what comes behind them is not kept waiting.</summary>
    [Theory]
    [InlineData(0, 10)]
    [InlineData(0, Size)]
    [InlineData(60, Size - 60)]
    public async Task Only_what_is_missing_in_the_middle_is_a_hole(long from, long length)
    {
        var taken = new TaskCompletionSource<Claim.Outcome?>();
        var other = Wanted(from, length);
        var running = _claim.Try(Claimed, other, () => ValueTask.FromResult<TokenFacts?>(Claimed), (_, _, _) => taken.Task, Stays);
        Assert.Null((await Try(Claimed, Wanted(50, Size - 50), _ => null)).Refused);
        Assert.Equal(0, _found);
        taken.SetResult(new Claim.Outcome(other, null));
        Assert.Null((await running).Refused);
    }

    /// <summary>Parts that are asked for at once do not come in order: the end gives the others a moment.</summary>
    [Fact]
    public async Task The_end_comes_a_moment_later()
    {
        var began = Stopwatch.GetTimestamp();
        Assert.Null((await Try(Claimed, Wanted(50, Size - 50), _ => null)).Refused);
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalMilliseconds, 90, double.MaxValue);
    }

    [Fact]
    public async Task A_client_that_is_gone_waits_no_longer()
    {
        using var gone = new CancellationTokenSource();
        var waiting = Try(Busy, Wanted(1, 10), _ => Busy, clientGone: gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }
}
