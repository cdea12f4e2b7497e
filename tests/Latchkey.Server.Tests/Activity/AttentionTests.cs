using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Activity;

public sealed class AttentionTests : IAsyncLifetime
{
    TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.Run(("TrustedProxies", "127.0.0.1"));
        _server.AddProduct("One", apiDownload: false);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>The disk of the machine that runs the tests is not ours to judge.</summary>
    IReadOnlyList<AttentionView> Items()
    {
        using var work = UnitOfWork.Open(_server.Data, _server.Clock, Actor.CommandLine());
        return [.. new Statistics(work).Attention(_server.Clock.GetUtcNow()).Where(item => item.Kind != "disk_full")];
    }

    void Detail(int license, string outcome, int minutesAgo, string domain = "", ActivityKind kind = ActivityKind.Download, string address = "203.0.113.9", int count = 1)
    {
        var at = UnixMicroseconds.From(_server.Clock.GetUtcNow().AddMinutes(-minutesAgo));
        Tables.Execute(_server.Database(), $"""
            INSERT INTO activity SELECT coalesce(max(id), 0) + 1, {license}, {(license == 0 ? 0 : 1)}, {(int)kind}, '{outcome}', '{domain}', '{address}', {at}, {at}, {count} FROM activity
            """);
    }

    [Fact]
    public void Nothing_is_said_where_all_is_well()
    {
        _server.Issue(1, "example.com");
        Detail(1, "OK", 5, "example.com", ActivityKind.Verify);
        Assert.Empty(Items());
    }

    [Fact]
    public async Task A_license_that_is_tried_on_other_domains_is_named_with_the_one_tried_most()
    {
        _server.AddProduct("Two", apiDownload: false, bindOnFirstUse: false);
        var key = _server.Issue(1, "example.com").LicenseKey;
        for (var i = 0; i < 3; i++) await _server.Http.Verify(key, "evil.com", 1);
        await _server.Http.Verify(key, "bad.com", 1);
        await _server.Counted(4);
        Assert.Equal(
            [new AttentionView("domain_mismatch", "warning", "License 1 was used 4 times in 24 hours for evil.com and 1 other domain, which it is not bound to.", 4, 1, 1, "evil.com")],
            Items());
        _server.Clock.Advance(TimeSpan.FromHours(24));
        Assert.Empty(Items());
    }

    [Fact]
    public void A_domain_that_is_bound_since_is_not_named()
    {
        _server.Issue(1, "example.com");
        Detail(1, "DOMAIN_MISMATCH", 5, "example.com", ActivityKind.Verify);
        Assert.Empty(Items());
    }

    [Theory]
    [InlineData("*.example.com", "shop.example.com", false)]
    [InlineData("*.example.com", "a.b.example.com", false)]
    [InlineData("*.example.com", "example.com", true)]
    [InlineData("*.example.com", "myexample.com", true)]
    [InlineData("*.example.com", "example.com.evil.com", true)]
    [InlineData("*.ex-mple.com", "a.ex_mple.com", true)]
    public void A_domain_below_a_wildcard_that_is_bound_since_is_not_named(string bound, string domain, bool isNamed)
    {
        _server.Issue(1, bound);
        Detail(1, "DOMAIN_MISMATCH", 5, domain, ActivityKind.Verify);
        Assert.Equal(isNamed ? 1 : 0, Items().Count);
    }

    [Fact]
    public async Task An_address_that_guesses_keys_is_named_from_the_twentieth_on()
    {
        for (var i = 0; i < 20; i++) await _server.VerifyFrom("203.0.113.7", $"wrong-key-{i}", "example.com");
        for (var i = 0; i < 19; i++) await _server.VerifyFrom("203.0.113.8", $"wrong-key-{i}", "example.com");
        await _server.Counted(39);
        var item = Assert.Single(Items());
        Assert.Equal(("key_guessing", "warning", 20L, "203.0.113.7"), (item.Kind, item.Severity, item.Count, item.Address));
        Assert.Equal("203.0.113.7 sent 20 keys in 24 hours that no license has: a wrong key in a program, or somebody who guesses.", item.Sentence);
    }

    [Fact]
    public void A_download_that_broke_off_is_named_unless_it_finished_since()
    {
        Detail(1, "INTERRUPTED", 60, count: 2);
        Detail(2, "INTERRUPTED", 60);
        Detail(2, "OK", 30);
        Detail(3, "OK", 60);
        Detail(3, "INTERRUPTED", 30);
        Detail(4, "INTERRUPTED", 60 * 26);
        Detail(5, "SERVICE_UNAVAILABLE", 60);
        Assert.Equal(
            [("error", 5L, 1L), ("info", 1L, 2L), ("info", 3L, 1L)],
            Items().Select(item => (item.Severity, item.LicenseId!.Value, item.Count)));
        Assert.All(Items(), item => Assert.Equal("download_failed", item.Kind));
        Assert.Equal("A download of license 1 was broken off 2 times in 24 hours, and never finished.", Items()[1].Sentence);
    }

    [Fact]
    public void A_product_with_licenses_and_downloads_but_no_release_is_named()
    {
        _server.AddProduct("Two");
        _server.AddProduct("Three");
        _server.Publish(3, [1]);
        _server.Issue(1, "a.com");
        _server.Issue(2, "a.com");
        _server.Issue(2, "b.com");
        _server.Issue(3, "a.com");
        _server.AddProduct("Without licenses");
        Assert.Equal(
            [new AttentionView("no_release", "warning", "Two has 2 licenses that may download it, and no release is published: publish one, or turn its downloads off.", 2, ProductId: 2)],
            Items());
    }

    [Fact]
    public void Details_that_were_dropped_are_told_for_the_day()
    {
        Tables.Execute(_server.Database(), $"INSERT INTO activity_hours VALUES ({UnixMicroseconds.From(TestServer.Start)}, 0, 3, 'DETAIL', 1234, 0)");
        var item = Assert.Single(Items());
        Assert.Equal(("details_dropped", "info", 1234L), (item.Kind, item.Severity, item.Count));
        Assert.StartsWith("The details of 1,234 requests were not kept today", item.Sentence, StringComparison.Ordinal);
        _server.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Empty(Items());
    }

    [Theory]
    [InlineData(100, 1000, null)]
    [InlineData(99, 1000, "warning")]
    [InlineData(1, 5, null)]
    [InlineData(0.99, 5, "error")]
    public void A_disk_is_nearly_full_below_a_gibibyte_or_a_tenth(double free, double total, string? severity) =>
        Assert.Equal(severity, AttentionList.OfDisk((long)(free * (1 << 30)), (long)(total * (1 << 30)))?.Severity);
}
