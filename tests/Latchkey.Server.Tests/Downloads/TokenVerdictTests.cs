using Latchkey.Server.Downloads;
using Latchkey.Server.Http;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;

namespace Latchkey.Server.Tests.Downloads;

/// <summary>Who may have the file now, which part of it, and how many bytes: the rules, at their borders.</summary>
public sealed class TokenVerdictTests
{
    const string Client = "203.0.113.7";
    const long Size = 1000;
    static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    static readonly DateTimeOffset Later = Now.AddTicks(1);

    static readonly TokenFacts Fresh = new(
        1, 2, LicenseState.Active, Later, Later, null, null, 0, 0, null, 0, false, false, false, "Plugin", "1.0.0",
        new Artifact { FileName = "a.zip", ContentType = "application/zip", Sha256 = [], BlobId = "b", Size = Size });

    static Refusal? Judge(TokenFacts? token) => TokenVerdict.Judge(token, Client, Now);

    [Fact]
    public void No_token_is_an_invalid_token() => Assert.Same(Wire.InvalidDownloadToken, Judge(null));

    /// <summary>Each fault alone, in the order in which they answer.</summary>
    static readonly (Func<TokenFacts, TokenFacts> Make, Refusal Answer)[] Faults =
    [
        (token => token with { SpentAt = Now.AddDays(-1) }, Wire.DownloadTokenSpent),
        (token => token with { IsRevoked = true }, Wire.DownloadTokenRevoked),
        (token => token with { IsYanked = true }, Wire.DownloadTokenOfYankedRelease),
        (token => token with { Attempts = DownloadTokens.MaxAttempts }, Wire.DownloadTokenWorn),
        (token => token with { ExpiresAt = Now }, Wire.DownloadTokenExpired),
        (token => token with { LicenseState = LicenseState.Suspended }, Wire.DownloadTokenOfDeadLicense),
        (token => token with { ClaimedBy = "203.0.113.8" }, Wire.DownloadTokenOfAnother),
        (token => token with { LeaseUntil = Later }, Wire.DownloadTokenBusy),
    ];

    [Fact]
    public void Each_reason_stands_before_those_below_it()
    {
        for (var first = 0; first < Faults.Length; first++)
        {
            Assert.Same(Faults[first].Answer, Judge(Faults[first].Make(Fresh)));
            Assert.Same(Faults[first].Answer, Judge(Faults[first..].Aggregate(Fresh, (token, fault) => fault.Make(token))));
        }
    }

    [Fact]
    public void It_is_good_until_the_very_moment_and_the_last_attempt()
    {
        Assert.Null(Judge(Fresh));
        Assert.Null(Judge(Fresh with { Attempts = DownloadTokens.MaxAttempts - 1 }));
        Assert.Same(Wire.DownloadTokenWorn, Judge(Fresh with { Attempts = DownloadTokens.MaxAttempts + 1 }));
        Assert.Same(Wire.DownloadTokenExpired, Judge(Fresh with { ExpiresAt = Now.AddTicks(-1) }));
    }

    [Fact]
    public void It_dies_with_its_license()
    {
        Assert.Null(Judge(Fresh with { LicenseExpiresAt = null }));
        Assert.Same(Wire.DownloadTokenOfDeadLicense, Judge(Fresh with { LicenseExpiresAt = Now }));
        Assert.Same(Wire.DownloadTokenOfDeadLicense, Judge(Fresh with { LicenseState = LicenseState.Revoked }));
    }

    [Fact]
    public void The_claimant_may_come_again_when_its_transfer_is_over()
    {
        Assert.Null(Judge(Fresh with { ClaimedBy = Client }));
        Assert.Null(Judge(Fresh with { ClaimedBy = Client, LeaseUntil = Now }));
        Assert.Same(Wire.DownloadTokenBusy, Judge(Fresh with { ClaimedBy = Client, LeaseUntil = Later }));
    }

    static Refusal? Judge(TokenFacts token, long from, long length, bool isDelegated = false) => TokenVerdict.Judge(token, new ByteRange(from, length, Size), isDelegated);

    [Fact]
    public void The_claimant_goes_on_from_anywhere_up_to_where_it_came()
    {
        var claimed = Fresh with { ClaimedBy = Client, HighWater = 400 };
        Assert.Null(Judge(claimed, 0, Size));
        Assert.Null(Judge(claimed, 400, 600));
        Assert.Same(Wire.DownloadTokenNotThere, Judge(claimed, 401, 599));
        Assert.Null(Judge(Fresh, 401, 599));
    }

    [Fact]
    public void What_others_have_sent_is_not_sent_from_the_start_again()
    {
        var delegated = Fresh with { ClaimedBy = Client, IsDelegated = true, HighWater = Size };
        Assert.Same(Wire.DownloadTokenSpent, Judge(delegated, 0, Size));
        Assert.Null(Judge(delegated, 1, 999));
        Assert.Null(Judge(Fresh, 0, Size, isDelegated: true));
    }

    [Fact]
    public void Past_its_bound_nothing_leaves_but_a_look_at_the_beginning()
    {
        var worn = Fresh with { BytesServed = Size };
        Assert.Equal(500, worn.Budget);
        Assert.Null(Judge(worn, 500, 500));
        Assert.Same(Wire.DownloadTokenOverBudget, Judge(worn, 499, 501));
        Assert.Null(Judge(worn, 0, Size));
        Assert.Same(Wire.DownloadTokenOverBudget, Judge(worn, 0, Size, isDelegated: true));
        Assert.Null(Judge(worn, 0, 500, isDelegated: true));
    }

    [Fact]
    public void A_token_is_worth_its_file_and_a_half_and_what_lines_that_break_lose()
    {
        Assert.Equal(1500, DownloadTokens.Bound(Size, 0));
        Assert.Equal(1500 + 3 * (16L << 20), DownloadTokens.Bound(Size, 3));
        Assert.Equal(1500 + (16L << 20) - 7, (Fresh with { Attempts = 1, BytesServed = 7 }).Budget);
    }

    [Theory]
    [InlineData(0, 1000, 1000)]
    [InlineData(500, 1000, 1000)]
    [InlineData(501, 1000, 999)]
    [InlineData(1500, 1000, 0)]
    [InlineData(2000, 1000, 0)]
    public void A_transfer_may_serve_its_part_or_what_is_left(long served, long length, long limit) =>
        Assert.Equal(limit, TokenVerdict.LimitOf(Fresh with { BytesServed = served }, new ByteRange(0, length, Size)));

    [Fact]
    public void A_look_is_one_step_at_the_most()
    {
        const long large = 4 * DownloadTokens.Step;
        var file = new Artifact { FileName = "a", ContentType = "b", Sha256 = [], BlobId = "c", Size = large };
        Assert.Equal(DownloadTokens.Step, TokenVerdict.LimitOf(Fresh with { File = file, BytesServed = 4 * DownloadTokens.Step }, new ByteRange(0, large, large)));
    }

    [Fact]
    public void A_transfer_for_which_just_enough_is_left_is_no_look()
    {
        const long large = 4 * DownloadTokens.Step;
        var file = new Artifact { FileName = "a", ContentType = "b", Sha256 = [], BlobId = "c", Size = large };
        Assert.Equal(large, TokenVerdict.LimitOf(Fresh with { File = file, BytesServed = 2 * DownloadTokens.Step }, new ByteRange(0, large, large)));
    }

    static Transfer Sending(long from, long length, long size, bool isDelegated = false, long? limit = null) =>
        new(1, 2, 3, "b", default, "t", new ByteRange(from, length, size), 0, limit ?? length, isDelegated);

    /// <summary>One go is 64 KB.</summary>
    [Fact]
    public void What_fits_into_one_go_and_reaches_the_end_is_spent_by_its_claim()
    {
        Assert.True(Sending(0, FileTransfer.OneGo, FileTransfer.OneGo).SpentByClaim);
        Assert.True(Sending(7, 3, 10).SpentByClaim);
        Assert.False(Sending(0, FileTransfer.OneGo + 1, FileTransfer.OneGo + 1).SpentByClaim);
        Assert.False(Sending(0, 9, 10).SpentByClaim);
        Assert.False(Sending(0, 10, 10, isDelegated: true).SpentByClaim);
    }

    [Fact]
    public void So_much_waits_until_the_token_is_spent()
    {
        Assert.Equal(10, Sending(0, 10, 10).Last);
        Assert.Equal(0, Sending(0, 9, 10).Last);
        Assert.Equal(FileTransfer.Tail, Sending(0, FileTransfer.OneGo + 1, FileTransfer.OneGo + 1).Last);
    }

    [Fact]
    public void A_claim_charges_one_step_or_all_that_it_may_serve()
    {
        Assert.Equal(10, Sending(0, 20, 20, limit: 10).FirstCharge);
        Assert.Equal(DownloadTokens.Step, Sending(0, DownloadTokens.Step + 1, DownloadTokens.Step + 1).FirstCharge);
        Assert.Equal(DownloadTokens.Step + 1, Sending(0, DownloadTokens.Step + 1, DownloadTokens.Step + 1, isDelegated: true, limit: 10).FirstCharge);
    }
}
