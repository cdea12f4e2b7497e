using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Licenses;

/// <summary>What the panel tells an agent of a refusal: the reason that holds now, and what would help now.</summary>
public sealed class ExplanationTests : IAsyncLifetime
{
    TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.Run();
        _server.AddProduct();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    static Explanation Of(string code, LicenseView license, string domain = "other.example") => Explanation.Of(code, new ExplainedCase(domain, license));

    [Theory]
    [InlineData("INVALID_LICENSE")]
    [InlineData("DOMAIN_MISMATCH")]
    [InlineData("LICENSE_EXPIRED")]
    [InlineData("LICENSE_INACTIVE")]
    [InlineData("NOT_ENTITLED")]
    [InlineData("DOWNLOAD_TOKEN_EXPIRED")]
    public void What_is_suspended_or_revoked_now_is_told_as_that_whatever_it_was_refused_for(string code)
    {
        var license = _server.Issue(1, "example.com");
        var paused = Of(code, _server.Operate(licenses => licenses.Suspend(license.LicenseKey!)));
        Assert.Contains("is paused", paused.Customer, StringComparison.Ordinal);
        Assert.Equal([Remedy.Resume], paused.Remedies);
        Assert.Equal(Explanation.ReasonOf(code), paused.Reason);

        var revoked = Of(code, _server.Operate(licenses => licenses.Revoke(license.LicenseKey!)));
        Assert.Contains("was withdrawn", revoked.Customer, StringComparison.Ordinal);
        Assert.Empty(revoked.Remedies);
    }

    [Fact]
    public void A_key_whose_overlap_runs_is_not_what_stops_a_revoked_license()
    {
        var license = _server.Issue(1, "example.com");
        _server.Operate(licenses => licenses.Rotate(license.Id, TimeSpan.FromDays(10)));
        var told = Of("INVALID_LICENSE", _server.Operate(licenses => licenses.Revoke(license.Id)));
        Assert.DoesNotContain("key", told.Agent, StringComparison.Ordinal);
        Assert.Contains("withdrawn", told.Customer, StringComparison.Ordinal);
    }

    [Fact]
    public void What_expired_meanwhile_is_not_told_to_try_again()
    {
        var license = _server.Operate(licenses => licenses.Issue(new IssueLicense(1, ["example.com"], ExpiresAt: _server.Clock.GetUtcNow().AddDays(1))));
        _server.Clock.AdjustTime(_server.Clock.GetUtcNow() + TimeSpan.FromDays(2));
        var told = Of("LICENSE_INACTIVE", _server.Operate(licenses => licenses.Show(license.Id)));
        Assert.Contains("ran out on 2 January 2026", told.Customer, StringComparison.Ordinal);
        Assert.Equal([Remedy.Extend], told.Remedies);
    }

    [Fact]
    public void A_license_whose_updates_ended_is_told_until_when_they_went_and_what_can_be_done()
    {
        var license = _server.Issue(1, "example.com");
        license = _server.Operate(licenses => licenses.Edit(license.Id, new EditLicense(UpdatesUntil: new DateTimeOffset(2026, 6, 30, 23, 59, 59, TimeSpan.Zero))));
        var told = Of("NOT_ENTITLED", license);
        Assert.Contains("published through 30 June 2026", told.Customer, StringComparison.Ordinal);
        Assert.Contains("end on 30 June 2026", told.Agent, StringComparison.Ordinal);
        Assert.Equal([Remedy.Change, Remedy.Link], told.Remedies);

        license = _server.Operate(licenses => licenses.Edit(license.Id, new EditLicense(UpdatesForever: true, Channel: "beta")));
        Assert.Contains("you are on “beta”", Of("NOT_ENTITLED", license).Customer, StringComparison.Ordinal);
        Assert.Equal([Remedy.Link], Of("RELEASE_NOT_FOUND", license).Remedies);
    }
}
