using CsCheck;
using Latchkey.Server.RateLimits;
using Microsoft.Extensions.Time.Testing;

namespace Latchkey.Server.Tests.RateLimits;

/// <summary>What is counted, for how long, and who is remembered: to the millisecond.</summary>
public sealed class BudgetTests
{
    /// <summary>All in one shard, each a key of its own.</summary>
    readonly record struct Caller(int Number)
    {
        public override int GetHashCode() => Number * 64;
    }

    static readonly Caller A = new(1), B = new(2), C = new(3);

    readonly FakeTimeProvider _clock = new();

    void Wait(int milliseconds) => _clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

    [Fact]
    public void Says_what_is_left_and_when_it_comes_back()
    {
        var budget = new Budget<Caller>(2, _clock);
        Assert.Equal(new Balance(true, 2, 2, 0, 0), budget.Look(A));
        Assert.Equal(new Balance(true, 2, 1, 0, 60_000), budget.Take(A));
        Wait(10_000);
        Assert.Equal(new Balance(true, 2, 0, 50_000, 60_000), budget.Take(A));
        Wait(10_000);
        Assert.Equal(new Balance(false, 2, 0, 40_000, 50_000), budget.Take(A));
        Assert.Equal(new Balance(false, 2, 0, 40_000, 50_000), budget.Look(A));
        Assert.Equal(new Balance(true, 2, 2, 0, 0), budget.Look(B));
        Wait(39_999);
        Assert.False(budget.Take(A).Allowed);
        Wait(1);
        Assert.Equal(new Balance(true, 2, 1, 0, 10_000), budget.Look(A));
        Assert.Equal(new Balance(true, 2, 0, 10_000, 60_000), budget.Take(A));
    }

    [Fact]
    public void A_limit_of_none_counts_nothing()
    {
        var budget = new Budget<Caller>(0, _clock);
        budget.Learn(A, 5);
        Assert.True(budget.IsOff);
        Assert.Equal(new Balance(true, 0, 0, 0, 0), budget.Take(A));
        Assert.Equal(0, budget.Clients);
        Assert.False(new Budget<Caller>(1, _clock).IsOff);
    }

    [Fact]
    public void Learns_only_what_it_has_not_seen_itself()
    {
        var budget = new Budget<Caller>(10, _clock);
        budget.Learn(A, 0);
        Assert.Equal(0, budget.Clients);
        budget.Take(A);
        budget.Learn(A, 1);
        Assert.Equal(9, budget.Look(A).Remaining);
        budget.Learn(A, 5);
        Assert.Equal(5, budget.Look(A).Remaining);
        budget.Learn(A, 3);
        Assert.Equal(5, budget.Look(A).Remaining);
        budget.Learn(A, 10);
        Assert.Equal(new Balance(false, 10, 0, 60_000, 60_000), budget.Look(A));
        Wait(60_000);
        Assert.Equal(10, budget.Look(A).Remaining);
    }

    [Fact]
    public void A_look_remembers_nobody()
    {
        var budget = new Budget<Caller>(10, _clock);
        budget.Look(A);
        Assert.Equal(0, budget.Clients);
        budget.Take(A);
        budget.Take(B);
        Assert.Equal(2, budget.Clients);
    }

    [Fact]
    public void Whoever_is_silent_for_two_minutes_is_forgotten_when_others_come()
    {
        var budget = new Budget<Caller>(10, _clock);
        budget.Take(A);
        Wait(59_999);
        budget.Take(B);
        Wait(1);
        budget.Take(C);
        Assert.Equal(3, budget.Clients);
        Wait(59_999);
        budget.Look(B);
        Assert.Equal(3, budget.Clients);
        Wait(1);
        budget.Look(B);
        Assert.Equal(2, budget.Clients);
    }

    [Fact]
    public void What_is_learned_turns_too()
    {
        var budget = new Budget<Caller>(10, _clock);
        budget.Learn(A, 1);
        Wait(60_000);
        budget.Learn(B, 1);
        Wait(59_999);
        budget.Learn(B, 1);
        Assert.Equal(2, budget.Clients);
        Wait(1);
        budget.Learn(C, 1);
        Assert.Equal(2, budget.Clients);
        Assert.Equal(10, budget.Look(A).Remaining);
    }

    [Theory]
    [InlineData(119_999, 2)]
    [InlineData(120_000, 1)]
    public void After_two_quiet_minutes_the_next_turn_forgets_all(int silence, int left)
    {
        var budget = new Budget<Caller>(10, _clock);
        budget.Take(A);
        Wait(silence);
        budget.Learn(B, 1);
        Assert.Equal(left, budget.Clients);
    }

    [Fact]
    public void Where_nobody_comes_a_sweep_forgets()
    {
        var budget = new Budget<Caller>(10, _clock);
        budget.Take(A);
        budget.Take(B);
        Wait(59_999);
        Assert.Equal((0, 2), (budget.Sweep(), budget.Clients));
        Wait(1);
        Assert.Equal((0, 2), (budget.Sweep(), budget.Clients));
        Wait(59_999);
        Assert.Equal((0, 2), (budget.Sweep(), budget.Clients));
        Wait(1);
        Assert.Equal((2, 0), (budget.Sweep(), budget.Clients));
    }

    /// <summary>What was counted is still there after a turn.</summary>
    [Fact]
    public void Nothing_is_forgiven_by_a_turn()
    {
        var budget = new Budget<Caller>(2, _clock);
        Wait(59_000);
        budget.Take(A);
        budget.Take(A);
        Wait(1_000);
        Assert.Equal(0, budget.Sweep());
        Assert.False(budget.Look(A).Allowed);
        Wait(58_999);
        Assert.False(budget.Take(A).Allowed);
        Wait(1);
        Assert.True(budget.Take(A).Allowed);
    }

    /// <summary>A shard holds half of its share in each of two generations.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Past_its_capacity_the_longest_silent_are_forgotten_first(bool learned)
    {
        const int half = Budget<Caller>.Capacity / 64 / 2;
        var budget = new Budget<Caller>(10, _clock);
        void Come(int from, int to)
        {
            for (var i = from; i < to; i++)
            {
                if (learned) budget.Learn(new Caller(i), 1);
                else budget.Take(new Caller(i));
            }
        }

        Come(0, half);
        Assert.Equal(half, budget.Clients);
        Come(half, half + 1);
        Assert.Equal(half + 1, budget.Clients);
        Assert.Equal(9, budget.Look(new Caller(0)).Remaining);
        Come(half + 1, (2 * half) - 1);
        Assert.Equal((2 * half) - 1, budget.Clients);
        Come((2 * half) - 1, 2 * half);
        Assert.Equal(half + 1, budget.Clients);
        Assert.Equal(9, budget.Look(new Caller(0)).Remaining);
        Assert.Equal(10, budget.Look(new Caller(1)).Remaining);
    }

    /// <summary>Against a plain list of what was counted when.</summary>
    [Fact]
    public void A_window_counts_as_a_list_would() => Gen.Select(Gen.Int[1, 600], Gen.Select(Gen.OneOf(Gen.Int[0, 2], Gen.Int[0, 400], Gen.Int[0, 70_000]), Gen.Int[1, 3]).Array[1, 200]).Sample((limit, steps) =>
    {
        var (window, list, now) = (new SlidingWindow(), new List<(long At, int Count)>(), 0L);
        foreach (var (pause, count) in steps)
        {
            now += pause;
            list.RemoveAll(entry => now - entry.At >= 60_000);
            Assert.Equal(list.Sum(entry => entry.Count), window.Used(now));
            Assert.Equal(list.Count == 0 ? 0 : list[0].At + 60_000 - now, window.UntilOneFree(now));
            Assert.Equal(list.Count == 0 ? 0 : list[^1].At + 60_000 - now, window.UntilAllFree(now));
            window.Add(now, limit, count);
            list.Add((limit <= 256 ? now : (now + 59) / 60 * 60, count));
        }
    }, iter: 300);

    [Theory]
    [InlineData(256, 59_999)]
    [InlineData(257, 60_000)]
    public void Past_256_times_are_rounded_up(int limit, int wait)
    {
        var window = new SlidingWindow();
        window.Add(119_999, limit);
        Assert.Equal(1, window.Used(120_000));
        Assert.Equal(wait, window.UntilAllFree(120_000));
    }

    [Fact]
    public void One_is_counted_where_nothing_else_is_said()
    {
        var window = new SlidingWindow();
        for (var i = 0; i < 9; i++) window.Add(i, 256);
        window.Add(8, 256);
        Assert.Equal(10, window.Used(8));
        Assert.Equal(9, window.Used(60_000));
    }

    /// <summary>A clock of 32 bits would have wrapped, and refused for weeks.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(25)]
    [InlineData(40)]
    [InlineData(400)]
    public void Whoever_was_silent_for_long_has_the_whole_limit(int days)
    {
        var clock = new FakeTimeProvider();
        var budget = new Budget<ClientAddress>(20, clock);
        var client = ClientAddress.Of(System.Net.IPAddress.Loopback);
        for (var i = 0; i < 20; i++) budget.Take(client);
        Assert.False(budget.Look(client).Allowed);
        clock.Advance(TimeSpan.FromDays(days));
        Assert.Equal(new Balance(true, 20, 20, 0, 0), budget.Look(client));
    }

    [Fact]
    public void Never_more_than_the_limit_in_any_sixty_seconds_whatever_the_rhythm() => Gen.Select(Gen.Int[1, 400], Gen.Int[0, 3000].Array[1, 600]).Sample((limit, pauses) =>
    {
        var window = new SlidingWindow();
        var (now, admitted) = (0L, new List<long>());
        long time = 0;
        foreach (var pause in pauses)
        {
            now += pause;
            time += pause;
            if (window.Used(now) < limit)
            {
                window.Add(now, limit);
                admitted.Add(time);
            }
            else
            {
                Assert.True(window.UntilOneFree(now) > 0);
            }
        }

        for (var i = limit; i < admitted.Count; i++) Assert.True(admitted[i] - admitted[i - limit] >= 60_000);
    }, iter: 300);
}
