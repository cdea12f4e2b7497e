using System.Runtime.InteropServices;
using Latchkey.Server.RateLimits;

namespace Latchkey.Server.Activity;

/// <summary>Whom a request was about, and what came of it.</summary>
/// <param name="Kind">What was asked for.</param>
/// <param name="Outcome">The wire's <c>error_code</c>, or one of <see cref="ActivityOutcome"/>.</param>
/// <param name="License">0: nobody's key or token.</param>
/// <param name="Product">The license's own, never the number that the client sent.</param>
/// <param name="Domain">Canonical; empty for a download.</param>
/// <param name="Address">The client's.</param>
readonly record struct ActivityNote(ActivityKind Kind, string Outcome, long License, long Product, string Domain, ClientAddress Address)
{
    public bool IsOfStranger => License == 0;

    /// <summary>Within it, the same again is the same row: a day of verifying and of looking for updates, an hour of everything else.</summary>
    public long Bucket(long at) => at - (at % (Kind is ActivityKind.Verify or ActivityKind.Update && Outcome == ActivityOutcome.Ok ? ActivityTime.Day : ActivityTime.Hour));
}

/// <summary>In microseconds.</summary>
static class ActivityTime
{
    public const long Hour = 3_600_000_000;
    public const long Day = 24 * Hour;
}

readonly record struct HourKey(long Hour, long Product, ActivityKind Kind, string Outcome)
{
    // The few outcomes tell apart by their length well enough; hashing the text would cost more.
    public override int GetHashCode() => HashCode.Combine(Hour, Product, (int)Kind, Outcome.Length);
}

readonly record struct HourSum(long Count, long Bytes);

readonly record struct DetailKey(long Bucket, ActivityNote Note);

/// <param name="First">Microseconds.</param>
/// <param name="Last">Microseconds.</param>
/// <param name="Count">Requests.</param>
/// <param name="Order">Of the last one among all that were noted.</param>
readonly record struct DetailSum(long First, long Last, long Count, long Order)
{
    public static DetailSum operator +(DetailSum a, DetailSum b) =>
        new(Math.Min(a.First, b.First), Math.Max(a.Last, b.Last), a.Count + b.Count, Math.Max(a.Order, b.Order));
}

/// <summary>What was noted since the last write. One thread at a time.</summary>
sealed class Gathered(int expected)
{
    /// <summary>Details, between two writes.</summary>
    public const int Capacity = 4096;

    // What nobody's key brings in shall not crowd out what our licenses do.
    const int StrangersCapacity = Capacity / 4;

    readonly Dictionary<HourKey, HourSum> _hours = [];
    readonly Dictionary<DetailKey, DetailSum> _details = new(expected);
    int _strangers;

    public bool IsEmpty => _hours.Count == 0 && _details.Count == 0;
    public IReadOnlyDictionary<HourKey, HourSum> Hours => _hours;
    public IReadOnlyDictionary<DetailKey, DetailSum> Details => _details;

    public void Count(HourKey key, HourSum more)
    {
        ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(_hours, key, out _);
        sum = new HourSum(sum.Count + more.Count, sum.Bytes + more.Bytes);
    }

    /// <returns>False if there is no room left: it was counted as dropped, in the hour it belongs to.</returns>
    public bool TryAdd(DetailKey key, DetailSum more)
    {
        var stranger = key.Note.IsOfStranger;
        if ((_details.Count >= Capacity || (stranger && _strangers >= StrangersCapacity)) && !_details.ContainsKey(key))
        {
            Drop(more);
            return false;
        }

        ref var sum = ref CollectionsMarshal.GetValueRefOrAddDefault(_details, key, out var isThere);
        sum = isThere ? sum + more : more;
        if (!isThere && stranger) _strangers++;
        return true;
    }

    public void Drop(DetailSum detail) =>
        Count(new HourKey(detail.Last - (detail.Last % ActivityTime.Hour), 0, ActivityKind.Dropped, ActivityOutcome.Detail), new HourSum(detail.Count, 0));
}
