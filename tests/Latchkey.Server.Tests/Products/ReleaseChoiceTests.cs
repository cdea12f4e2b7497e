using Latchkey.Server.Licenses;
using Latchkey.Server.Products;

namespace Latchkey.Server.Tests.Products;

/// <summary>Which release a license gets: a table.</summary>
public sealed class ReleaseChoiceTests
{
    static readonly DateTimeOffset Day = new(2026, 6, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The newest first, as the database gives them.</summary>
    static readonly OfferedRelease[] Shop =
    [
        Release("3.0.0-alpha.1", "alpha", 50),
        Release("2.1.0-beta.2", "beta", 45),
        Release("2.0.0", "stable", 40),
        Release("1.10.0", "stable", 30),
        Release("1.9.0-lts", "lts", 25),
        Release("1.9.0", "stable", 20),
    ];

    static OfferedRelease Release(string version, string channel, int day, int percent = 100, string? least = null, params Artifact[] files) =>
        new(day, version, channel, Day.AddDays(day), percent, least, files.Length > 0 ? files : [File("product.zip")]);

    static Artifact File(string name, string platform = "", string arch = "", ArtifactKind kind = ArtifactKind.File, long id = 0, long? beside = null) =>
        new() { Id = id, Kind = kind, BesideId = beside, Platform = platform, Arch = arch, FileName = name, ContentType = "", Sha256 = [], BlobId = "" };

    static LicenseFacts License(string? channel = null, int? until = null, long id = 1, bool apiDownload = true) => new(
        id, 1, "", null, LicenseState.Active, 1, null, Day, null, true, apiDownload, until is { } day ? Day.AddDays(day) : null, channel, []);

    static ReleaseWish Wish(string? version = null, string? channel = null, string? platform = null, string? arch = null, ArtifactKind kind = ArtifactKind.File) =>
        new(version is null ? null : Versions.Lenient(version), channel, platform, arch, kind, null);

    static string Choose(ReleaseWish wish, LicenseFacts license, params OfferedRelease[] releases)
    {
        var choice = ReleaseChoice.ForDownload(releases.Length > 0 ? releases : Shop, wish, license);
        return choice.Refused?.Code ?? choice.Release!.Version;
    }

    [Theory]
    [InlineData(null, null, "2.0.0")]
    [InlineData("beta", null, "2.1.0-beta.2")]
    [InlineData("alpha", null, "3.0.0-alpha.1")]
    [InlineData("dev", null, "3.0.0-alpha.1")]
    [InlineData("lts", null, "2.0.0")]
    [InlineData(null, 39, "1.10.0")]
    [InlineData(null, 40, "2.0.0")]
    [InlineData("beta", 44, "2.0.0")]
    [InlineData(null, 19, "NOT_ENTITLED")]
    public void Without_a_wish_it_is_the_newest_that_the_license_may_have(string? channel, int? until, string gets) =>
        Assert.Equal(gets, Choose(default, License(channel, until)));

    [Theory]
    [InlineData("2.0.0", null, null, "2.0.0")]
    [InlineData("1.9", null, null, "1.9.0")]
    [InlineData("v1.10.0+build.7", null, null, "1.10.0")]
    [InlineData("2.0.0", null, 39, "NOT_ENTITLED")]
    [InlineData("2.1.0-beta.2", null, null, "NOT_ENTITLED")]
    [InlineData("2.1.0-beta.2", "beta", null, "2.1.0-beta.2")]
    [InlineData("2.1.0-beta.2", "alpha", null, "2.1.0-beta.2")]
    [InlineData("1.9.0-lts", "lts", null, "1.9.0-lts")]
    [InlineData("1.9.0-lts", "dev", null, "NOT_ENTITLED")]
    [InlineData("4.0.0", null, null, "RELEASE_NOT_FOUND")]
    public void A_version_that_is_named_is_that_one_or_none(string version, string? channel, int? until, string gets) =>
        Assert.Equal(gets, Choose(Wish(version), License(channel, until)));

    [Theory]
    [InlineData("stable", "beta", "2.0.0")]
    [InlineData("beta", "alpha", "2.1.0-beta.2")]
    [InlineData("beta", null, "NOT_ENTITLED")]
    [InlineData("alpha", "beta", "NOT_ENTITLED")]
    [InlineData("lts", "beta", "NOT_ENTITLED")]
    [InlineData("nightly", "nightly", "2.0.0")]
    public void A_channel_can_be_named_up_to_the_licenses_own(string asked, string? own, string gets) =>
        Assert.Equal(gets, Choose(Wish(channel: asked), License(own)));

    [Fact]
    public void A_version_in_a_channel_that_does_not_hold_it_is_not_found() =>
        Assert.Equal("RELEASE_NOT_FOUND", Choose(Wish("2.1.0-beta.2", "stable"), License("beta")));

    [Fact]
    public void Where_nothing_is_named_and_nothing_is_there_it_is_the_contracts_own_answer()
    {
        Assert.Equal("NO_DOWNLOADABLE_FILE", Choose(default, License(), Release("1.0.0-beta.1", "beta", 1)));
        Assert.Equal("RELEASE_NOT_FOUND", Choose(Wish(channel: "stable"), License(), Release("1.0.0-beta.1", "beta", 1)));
    }

    static readonly OfferedRelease[] Platforms =
    [
        Release("2.0.0", "stable", 2, 100, null, File("win-x64", "windows", "x64"), File("win-arm", "windows", "arm64"), File("linux", "linux")),
        Release("1.0.0", "stable", 1, 100, null, File("any"), File("mac", "macos")),
    ];

    [Theory]
    [InlineData("windows", "x64", "2.0.0 win-x64")]
    [InlineData("windows", "arm64", "2.0.0 win-arm")]
    [InlineData("linux", null, "2.0.0 linux")]
    [InlineData("linux", "riscv", "2.0.0 linux")]
    [InlineData("macos", null, "1.0.0 mac")]
    [InlineData("macos", "arm64", "1.0.0 mac")]
    [InlineData("freebsd", null, "1.0.0 any")]
    [InlineData(null, null, "1.0.0 any")]
    [InlineData("windows", null, "1.0.0 any")]
    [InlineData(null, "arm64", "1.0.0 any")]
    public void The_file_that_fits_best_of_the_newest_release_that_has_one(string? platform, string? arch, string gets)
    {
        var choice = ReleaseChoice.ForDownload(Platforms, Wish(platform: platform, arch: arch), License());
        Assert.Equal(gets, $"{choice.Release?.Version} {choice.File?.FileName}");
    }

    [Fact]
    public void Where_a_client_has_to_say_more_it_is_told_what()
    {
        var choice = ReleaseChoice.ForDownload(Platforms[..1], default, License());
        Assert.Equal("RELEASE_NOT_FOUND", choice.Refused!.Code);
        Assert.Equal("Release 2.0.0 has several files: name platform and arch, one of windows/x64, windows/arm64, linux", choice.Refused.Message);
        Assert.Equal("Release 2.0.0 has no file for macos", ReleaseChoice.ForDownload(Platforms[..1], Wish(platform: "macos"), License()).Refused!.Message);
    }

    [Fact]
    public void A_signature_is_that_of_the_file_that_was_asked_for()
    {
        var release = Release("1.0.0", "stable", 1, 100, null, File("win", "windows", id: 1), File("linux", "linux", id: 2), File("linux.sig", "linux", kind: ArtifactKind.Signature, id: 3, beside: 2));
        Assert.Equal("linux.sig", ReleaseChoice.ForDownload([release], Wish(platform: "linux", kind: ArtifactKind.Signature), License()).File!.FileName);
        Assert.Equal("RELEASE_NOT_FOUND", ReleaseChoice.ForDownload([release], Wish(platform: "windows", kind: ArtifactKind.Signature), License()).Refused!.Code);
        Assert.Equal("linux", ReleaseChoice.ForDownload([release], Wish(platform: "linux"), License()).File!.FileName);
    }

    [Theory]
    [InlineData(null, "Release 1.1.0 has no signature for app")]
    [InlineData(0, "1.0.0 app.sig")]
    public void A_signature_is_never_that_of_an_older_release_than_the_file(int? until, string gets)
    {
        OfferedRelease[] releases =
        [
            Release("1.1.0", "stable", 1, 100, null, File("app", id: 3)),
            Release("1.0.0", "stable", 0, 100, null, File("app", id: 1), File("app.sig", kind: ArtifactKind.Signature, id: 2, beside: 1)),
        ];
        var choice = ReleaseChoice.ForDownload(releases, Wish(kind: ArtifactKind.Signature), License(until: until));
        Assert.Equal(gets, choice.Refused?.Message ?? $"{choice.Release!.Version} {choice.File!.FileName}");
    }

    [Fact]
    public void A_rollout_keeps_an_update_back_but_neither_a_named_version_nor_the_only_release()
    {
        var half = Release("2.0.0", "stable", 2, 50);
        var ids = Enumerable.Range(1, 1000).Select(id => (long)id).ToList();
        var newest = ids.Count(id => Choose(default, License(id: id), half, Release("1.0.0", "stable", 1)) == "2.0.0");
        Assert.InRange(newest, 430, 570);
        Assert.All(ids, id => Assert.Equal("2.0.0", Choose(Wish("2.0.0"), License(id: id), half)));
        Assert.All(ids, id => Assert.Equal("2.0.0", Choose(default, License(id: id), half)));
    }

    static string Update(string current, ReleaseWish wish, LicenseFacts license, params OfferedRelease[] releases)
    {
        var update = ReleaseChoice.ForUpdate(releases.Length > 0 ? releases : Shop, wish, license, Versions.Lenient(current)!);
        return $"{update.Offered?.Release.Version ?? "-"} {update.Withheld?.Release.Version ?? "-"} {update.Withheld?.Why?.Code ?? "-"}";
    }

    [Theory]
    [InlineData("1.9.0", null, null, null, "2.0.0 - -")]
    [InlineData("1.10.0", null, null, null, "2.0.0 - -")]
    [InlineData("2.0.0", null, null, null, "- - -")]
    [InlineData("2.0.0-rc.1", null, null, null, "2.0.0 - -")]
    [InlineData("2.1.0", null, null, null, "- - -")]
    [InlineData("1.9.0", "beta", null, null, "2.1.0-beta.2 - -")]
    [InlineData("1.9.0", "beta", null, "stable", "2.0.0 - -")]
    [InlineData("1.9.0", null, null, "beta", "2.0.0 - -")]
    [InlineData("2.0.0", null, null, "beta", "- - -")]
    [InlineData("1.8.0", "beta", null, "lts", "2.0.0 - -")]
    [InlineData("1.9.0", null, 30, null, "1.10.0 2.0.0 UPDATES_ENDED")]
    [InlineData("1.10.0", null, 30, null, "- 2.0.0 UPDATES_ENDED")]
    public void An_update_is_the_newest_that_it_may_have_and_what_is_newer_still_is_told_with_the_reason(
        string current, string? own, int? until, string? asked, string gets) =>
        Assert.Equal(gets, Update(current, Wish(channel: asked), License(own, until)));

    [Theory]
    [InlineData("1.0.0", "1.5.0 2.0.0 MINIMUM_VERSION")]
    [InlineData("1.5.0", "2.0.0 - -")]
    [InlineData("1.6.0", "2.0.0 - -")]
    public void Who_has_less_than_the_minimum_version_takes_an_older_release_first(string current, string gets) =>
        Assert.Equal(gets, Update(current, default, License(), Release("2.0.0", "stable", 3, 100, "1.5.0"), Release("1.5.0", "stable", 2)));

    [Fact]
    public void Where_downloads_are_off_the_reason_says_so() =>
        Assert.Equal("- 2.0.0 API_DOWNLOAD_DISABLED", Update("1.0.0", default, License(apiDownload: false)));

    [Fact]
    public void An_update_without_a_file_for_the_platform_is_none() =>
        Assert.Equal("- - -", Update("1.0.0", Wish(platform: "macos"), License(), Platforms[0]));
}
