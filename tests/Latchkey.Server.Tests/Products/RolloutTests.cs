using Latchkey.Server.Products;

namespace Latchkey.Server.Tests.Products;

/// <summary>Who is in a rollout: as many as it says, always the same, and only more with a rising percentage.</summary>
public sealed class RolloutTests
{
    const int Licenses = 100_000;

    static HashSet<long> In(long release, int percent) => [.. Enumerable.Range(1, Licenses).Select(id => (long)id).Where(license => Rollout.Includes(release, license, percent))];

    /// <summary>Within 4.5 standard deviations of a fair draw: one in a hundred and fifty thousand by chance, and it is the same draw each time.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 10)]
    [InlineData(2, 50)]
    [InlineData(3, 90)]
    [InlineData(4, 99)]
    public void As_many_as_the_percentage_says(long release, int percent)
    {
        var share = percent / 100.0;
        var tolerance = 4.5 * Math.Sqrt(Licenses * share * (1 - share));
        Assert.InRange(In(release, percent).Count, (Licenses * share) - tolerance, (Licenses * share) + tolerance);
    }

    [Fact]
    public void All_at_a_hundred() => Assert.Equal(Licenses, In(7, 100).Count);

    [Fact]
    public void Who_was_in_stays_in()
    {
        var before = In(5, 1);
        for (var percent = 2; percent <= 100; percent += 7)
        {
            var now = In(5, percent);
            Assert.Subset(now, before);
            before = now;
        }
    }

    /// <summary>Two independent draws of a tenth share a hundredth.</summary>
    [Fact]
    public void The_next_release_begins_with_others()
    {
        var both = In(11, 10).Intersect(In(12, 10)).Count();
        Assert.InRange(both, 850, 1150);
    }

    /// <summary>χ² over the percentiles, 99 degrees of freedom: beyond 160 once in ten thousand draws.</summary>
    [Fact]
    public void Evenly_over_all_percentages()
    {
        var counts = new int[100];
        for (long license = 1; license <= Licenses; license++)
        {
            var percent = 1;
            while (!Rollout.Includes(21, license, percent)) percent++;
            counts[percent - 1]++;
        }

        const double expected = Licenses / 100.0;
        Assert.True(counts.Sum(count => (count - expected) * (count - expected) / expected) < 160);
    }
}
