namespace Latchkey.Server.Activity;

enum SeriesPeriod
{
    Hour = 0,
    Day = 1,

    /// <summary>Of the calendar, UTC.</summary>
    Month = 2,
}

/// <param name="Period"><c>hour</c>, <c>day</c>, <c>month</c>.</param>
/// <param name="From">The beginning of the first point.</param>
/// <param name="To">The end of the last one.</param>
/// <param name="ProductId">Null: of all products, and of keys that nobody has.</param>
/// <param name="Points">One for each period, those in which nothing happened too.</param>
public sealed record SeriesView(string Period, string From, string To, long? ProductId, IReadOnlyList<SeriesPoint> Points);

/// <param name="At">Its beginning.</param>
/// <param name="Verified">Licenses found good.</param>
/// <param name="Refused">Verifications, mints and downloads answered with an error, but for the limits.</param>
/// <param name="Limited">Answered 429.</param>
/// <param name="Minted">Download links made.</param>
/// <param name="Downloads">Files handed over to their end.</param>
/// <param name="Interrupted">Transfers broken off.</param>
/// <param name="Bytes">Handed over, by interrupted transfers too.</param>
public sealed record SeriesPoint(string At, long Verified, long Refused, long Limited, long Minted, long Downloads, long Interrupted, long Bytes);

/// <param name="Kind"><c>verify</c>, <c>mint</c>, <c>download</c>.</param>
/// <param name="Outcome">An <c>error_code</c>, <c>OK</c>, <c>INTERRUPTED</c> or <c>PARTIAL</c>.</param>
/// <param name="Count">Requests.</param>
/// <param name="Bytes">Handed over.</param>
public sealed record OutcomeView(string Kind, string Outcome, long Count, long Bytes);

public sealed record LicenseCountsView(long Total, long Active, long Suspended, long Revoked, long Expired);

public sealed record TopProductView(long ProductId, string ProductName, long Verified, long Refused, long Minted, long Downloads, long Bytes);

public sealed record ExpiringLicenseView(long LicenseId, long ProductId, string ProductName, long? UserId, string ExpiresAt);

/// <summary>Something that needs somebody.</summary>
/// <param name="Kind"><c>domain_mismatch</c>, <c>key_guessing</c>, <c>download_failed</c>, <c>disk_full</c>, <c>store_down</c>, <c>file_missing</c>, <c>file_damaged</c>, <c>backup_failed</c>, <c>backup_late</c>, <c>backup_incomplete</c>, <c>no_release</c>, <c>details_dropped</c>.</param>
/// <param name="Severity"><c>error</c>, <c>warning</c>, <c>info</c>.</param>
/// <param name="Sentence">For people.</param>
/// <param name="Count">How often; of <c>disk_full</c>, the MiB that are free; of <c>no_release</c>, the licenses.</param>
/// <param name="LicenseId">Where to look, if it is about a license.</param>
/// <param name="ProductId">Where to look, if it is about a product.</param>
/// <param name="Domain">The one tried most.</param>
/// <param name="Address">The client's.</param>
public sealed record AttentionView(
    string Kind, string Severity, string Sentence, long Count, long? LicenseId = null, long? ProductId = null, string? Domain = null, string? Address = null);

/// <param name="Kind"><c>verify</c>, <c>mint</c>, <c>download</c>.</param>
/// <param name="Outcome">As in the counts.</param>
/// <param name="Domain">Empty for a download.</param>
/// <param name="Address">IPv6 as its /64.</param>
/// <param name="FirstAt">Of the requests that this row stands for.</param>
/// <param name="LastAt">Of the requests that this row stands for.</param>
/// <param name="Count">Requests.</param>
public sealed record ActivityView(string Kind, string Outcome, string Domain, string Address, string FirstAt, string LastAt, long Count);
