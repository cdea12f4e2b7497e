namespace Latchkey.Server.Activity;

enum ActivityKind
{
    Verify = 0,

    /// <summary>A download link was asked for.</summary>
    Mint = 1,

    /// <summary>A download link was used.</summary>
    Download = 2,

    /// <summary>No request: details that did not fit into memory. In the counts only.</summary>
    Dropped = 3,

    /// <summary>It was asked whether there is something newer.</summary>
    Update = 4,
}

/// <summary>Outcomes beside the wire's error codes.</summary>
static class ActivityOutcome
{
    public const string Ok = "OK";

    /// <summary>A transfer that was broken off.</summary>
    public const string Interrupted = "INTERRUPTED";

    /// <summary>A part of a file, without its end, as the client asked for it.</summary>
    public const string Partial = "PARTIAL";

    public const string Detail = "DETAIL";
}

/// <summary>
/// What was asked with one license from one address for one domain, and what came of it: one row for as
/// often as it was the same within a day (verified) or an hour (everything else).
/// </summary>
sealed class ActivityRow
{
    /// <summary>A hash of what makes it the same: counting one more is one look-up.</summary>
    public long Id { get; set; }

    /// <summary>0: a key that no license has.</summary>
    public long LicenseId { get; set; }

    /// <summary>Of the license; 0 without one.</summary>
    public long ProductId { get; set; }

    public ActivityKind Kind { get; set; }

    /// <summary>The wire's <c>error_code</c>, or <c>OK</c>; for a download also <c>INTERRUPTED</c> or <c>PARTIAL</c>.</summary>
    public required string Outcome { get; set; }

    public required string Domain { get; set; }
    public required string Address { get; set; }
    public DateTimeOffset FirstAt { get; set; }
    public DateTimeOffset LastAt { get; set; }
    public long Count { get; set; }
}

/// <summary>What the charts are drawn from: counts of one hour, kept for good.</summary>
sealed class ActivityHour
{
    /// <summary>Its beginning.</summary>
    public DateTimeOffset Hour { get; set; }

    /// <summary>Of the license; 0 without one.</summary>
    public long ProductId { get; set; }

    public ActivityKind Kind { get; set; }
    public required string Outcome { get; set; }
    public long Count { get; set; }

    /// <summary>Handed over by downloads.</summary>
    public long Bytes { get; set; }
}

/// <summary>The hours of one UTC day, summed up by the database itself: a year of them is quickly read.</summary>
sealed class ActivityDay
{
    /// <summary>Its beginning.</summary>
    public DateTimeOffset Day { get; set; }

    /// <summary>Of the license; 0 without one.</summary>
    public long ProductId { get; set; }

    public ActivityKind Kind { get; set; }
    public required string Outcome { get; set; }
    public long Count { get; set; }
    public long Bytes { get; set; }
}
