using Latchkey.Server.Data;
using Latchkey.Server.RateLimits;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>How often a password or a code may be tried: by address, and by operator.</summary>
sealed class Attempts(TimeProvider clock)
{
    public const int PerMinute = 20;
    public const int UntilLockout = 5;
    public static readonly TimeSpan Lockout = TimeSpan.FromMinutes(15);

    readonly Budget<ClientAddress> _budget = new(PerMinute, clock);

    /// <summary>Counts one attempt of this address, right or wrong, before anything is looked at.</summary>
    /// <returns>False: too many in the last minute.</returns>
    public bool Admit(ClientAddress client) => _budget.Take(client).Allowed;

    /// <summary>
    /// Counts an attempt as failed before it is tried, in one statement: however many come at once, five are tried.
    /// <see cref="Forget"/> or <see cref="TakeBack"/> make it good if it was right.
    /// </summary>
    /// <returns>Null if the operator is locked out; else what <see cref="TakeBack"/> wants.</returns>
    public Try? Reserve(LatchkeyDb db, long operatorId)
    {
        var now = clock.GetUtcNow();
        DateTimeOffset? until = now + Lockout;

        // Nobody is locked out for longer: that was a clock that was wrong.
        var never = now + (2 * Lockout);

        // In one with the statement, so that only the attempt that locks out sees that it did.
        using var transaction = db.Database.BeginTransaction();
        var reserved = db.Users
            .Where(o => o.Id == operatorId && (o.LockoutEnd == null || o.LockoutEnd <= now || o.LockoutEnd > never))
            .ExecuteUpdate(set => set
                .SetProperty(o => o.AccessFailedCount, o => o.AccessFailedCount + 1 >= UntilLockout ? 0 : o.AccessFailedCount + 1)
                .SetProperty(o => o.LockoutEnd, o => o.AccessFailedCount + 1 >= UntilLockout ? until : null));
        if (reserved == 0) return null;
        var locks = db.Users.Any(o => o.Id == operatorId && o.LockoutEnd == until);
        transaction.Commit();
        return new Try(operatorId, locks ? until : null);
    }

    /// <summary>As much work as <see cref="Reserve"/>, a commit to the disk included, for whom there is nothing to count.</summary>
    public static void ReserveInVain(LatchkeyDb db)
    {
        using var transaction = db.Database.BeginTransaction();
        db.Users.OrderBy(o => o.Id).Take(1).ExecuteUpdate(set => set.SetProperty(o => o.AccessFailedCount, o => o.AccessFailedCount));
        _ = db.Users.Any(o => o.Id == 0 && o.LockoutEnd == null);
        transaction.Commit();
    }

    /// <summary>Right, and signed in: nothing is held against the operator any more.</summary>
    public static void Forget(LatchkeyDb db, long operatorId) => db.Users.Where(o => o.Id == operatorId)
        .ExecuteUpdate(set => set.SetProperty(o => o.AccessFailedCount, 0).SetProperty(o => o.LockoutEnd, (DateTimeOffset?)null));

    /// <summary>A right password, while the second factor is still to come: earlier failures stay counted.</summary>
    public static void TakeBack(LatchkeyDb db, Try attempt) => db.Users.Where(o => o.Id == attempt.OperatorId && o.LockoutEnd == attempt.LockedUntil)
        .ExecuteUpdate(set => set
            .SetProperty(o => o.AccessFailedCount, o => attempt.LockedUntil != null ? UntilLockout - 1 : o.AccessFailedCount > 0 ? o.AccessFailedCount - 1 : 0)
            .SetProperty(o => o.LockoutEnd, (DateTimeOffset?)null));
}

/// <summary>One attempt that is under way.</summary>
/// <param name="OperatorId">Whose.</param>
/// <param name="LockedUntil">Set if it is the one that locks out, should it fail.</param>
sealed record Try(long OperatorId, DateTimeOffset? LockedUntil);
