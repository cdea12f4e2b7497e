using Latchkey.Server.Http;
using Latchkey.Server.Licenses;
using Semver;

namespace Latchkey.Server.Products;

/// <summary>A release that is published now, with all of its files.</summary>
sealed record OfferedRelease(
    long Id, string Version, string Channel, DateTimeOffset PublishedAt, int RolloutPercent, string? MinimumVersion, IReadOnlyList<Artifact> Artifacts);

/// <summary>What a license may have of its product's releases. Pure rules: they know neither HTTP nor SQL.</summary>
static class ReleaseChoice
{
    /// <summary>Why a license may not have a release that is there.</summary>
    /// <param name="Code">For programs.</param>
    /// <param name="Sentence">For the developer, or the customer.</param>
    public sealed record Obstacle(string Code, string Sentence)
    {
        public Refusal Refusal => Wire.NotEntitled(Sentence);
    }

    /// <param name="Release">Null if it is refused.</param>
    /// <param name="File">What is to be downloaded.</param>
    /// <param name="Refused">Which rule stands in the way.</param>
    public sealed record Choice(OfferedRelease? Release, Artifact? File, Refusal? Refused);

    /// <summary>A newer release.</summary>
    /// <param name="Release">Which.</param>
    /// <param name="File">Of it.</param>
    /// <param name="Why">The license may not have it; null if it may.</param>
    public sealed record Newer(OfferedRelease Release, Artifact File, Obstacle? Why);

    /// <param name="Offered">The newest that the license may have; null: none.</param>
    /// <param name="Withheld">The newest, where it may not have that one; null: it may.</param>
    public sealed record Update(Newer? Offered, Newer? Withheld);

    /// <summary>
    /// What a download link is made for: the release that was named, else the newest that the license may have. What lies
    /// beside a file is that release's, or none: never that of an older one.
    /// </summary>
    /// <param name="newestFirst">By precedence.</param>
    /// <param name="wish">What the client names.</param>
    /// <param name="license">Who asks.</param>
    public static Choice ForDownload(IEnumerable<OfferedRelease> newestFirst, in ReleaseWish wish, LicenseFacts license)
    {
        if (OutsideChannel(wish, license) is { } outside) return new Choice(null, null, outside);
        var own = license.Channel ?? Channel.Stable;
        Refusal? notEntitled = null, noFile = null;
        Choice? heldBack = null;
        foreach (var release in newestFirst)
        {
            if (!IsMeant(release, wish, own)) continue;
            if (FileChoice.Of(release, wish, out var missing) is not { } file) noFile ??= missing;
            else if (Between(license, release) is { } obstacle) notEntitled ??= obstacle.Refusal;
            else if (wish.Version is not null || Rollout.Includes(release.Id, license.Id, release.RolloutPercent)) return Of(release, file, wish.Kind);
            else heldBack ??= Of(release, file, wish.Kind);
        }

        // A rollout keeps updates back, not the first release there is.
        return heldBack ?? new Choice(null, null, notEntitled ?? noFile ?? (wish.IsEmpty ? Wire.NoDownloadableFile : Missing(wish)));
    }

    static Choice Of(OfferedRelease release, Artifact file, ArtifactKind kind) =>
        FileChoice.Beside(release, file, kind, out var missing) is { } wanted ? new Choice(release, wanted, null) : new Choice(null, null, missing);

    /// <summary>
    /// What is newer than <paramref name="current"/>. Of a channel that the license's own does not include nothing is
    /// told, whatever is named.
    /// </summary>
    /// <param name="newestFirst">By precedence.</param>
    /// <param name="wish">Its version and kind are of no matter.</param>
    /// <param name="license">Who asks.</param>
    /// <param name="current">What runs there.</param>
    public static Update ForUpdate(IEnumerable<OfferedRelease> newestFirst, in ReleaseWish wish, LicenseFacts license, SemVersion current)
    {
        var own = license.Channel ?? Channel.Stable;
        var channel = wish.Channel ?? own;
        Newer? withheld = null;
        foreach (var release in newestFirst)
        {
            if (Versions.Compare(Versions.Lenient(release.Version)!, current) <= 0) break;
            if (!Channel.Includes(channel, release.Channel) || !Channel.Includes(own, release.Channel)) continue;
            if (!Rollout.Includes(release.Id, license.Id, release.RolloutPercent)) continue;
            if (FileChoice.Of(release, wish, out _) is not { } file) continue;
            var why = Between(license, release) ?? (license.ApiDownload ? null : NoApiDownload) ?? Before(release, current);
            if (why is null) return new Update(new Newer(release, file, null), withheld);
            withheld ??= new Newer(release, file, why);
        }

        return new Update(null, withheld);
    }

    /// <summary>It is the version that was named; or in the channel that was named, else in the license's own.</summary>
    static bool IsMeant(OfferedRelease release, in ReleaseWish wish, string own)
    {
        if (wish.Version is { } version && Versions.Compare(Versions.Lenient(release.Version)!, version) != 0) return false;
        var channel = wish.Channel ?? (wish.Version is null ? own : null);
        return channel is null || Channel.Includes(channel, release.Channel);
    }

    static readonly Obstacle NoApiDownload = new(Wire.ApiDownloadDisabled.Code, Wire.ApiDownloadDisabled.Message);

    static Obstacle? Between(LicenseFacts license, OfferedRelease release)
    {
        var own = license.Channel ?? Channel.Stable;
        if (!Channel.Includes(own, release.Channel)) return OutsideChannel(release.Channel, own);
        if (release.PublishedAt <= (license.UpdatesUntil ?? DateTimeOffset.MaxValue)) return null;
        return new Obstacle("UPDATES_ENDED", $"The license includes what was published up to {Wire.Day(license.UpdatesUntil!.Value)}; version {release.Version} was published on {Wire.Day(release.PublishedAt)}");
    }

    static Obstacle? Before(OfferedRelease release, SemVersion current) =>
        release.MinimumVersion is { } least && Versions.Compare(current, Versions.Lenient(least)!) < 0
            ? new Obstacle("MINIMUM_VERSION", $"Version {release.Version} can be installed over version {least} or newer")
            : null;

    /// <summary>Why the channel that a client names is not for this license; null: it is, or none is named.</summary>
    public static Refusal? OutsideChannel(in ReleaseWish wish, LicenseFacts license) =>
        wish.Channel is { } asked && (license.Channel ?? Channel.Stable) is var own && !Channel.Includes(own, asked) ? OutsideChannel(asked, own).Refusal : null;

    static Obstacle OutsideChannel(string asked, string own) => new("CHANNEL_NOT_INCLUDED", $"The license is on the channel {own}, which does not include {asked}");

    static Refusal Missing(in ReleaseWish wish) => Wire.ReleaseNotFound(wish switch
    {
        { Version: { } version, Channel: { } channel } => $"There is no release {version} in the channel {channel}",
        { Version: { } version } => $"There is no release {version}",
        { Channel: { } channel } => $"There is no release in the channel {channel}",
        _ => "There is no release",
    });
}

/// <summary>Which of a release's files a client gets.</summary>
static class FileChoice
{
    /// <summary>
    /// The file that fits best: made for the platform and architecture that are named, else for all. What is not
    /// named is no matter where only one file is left; where several are, the client has to say.
    /// </summary>
    /// <param name="release">Whose.</param>
    /// <param name="wish">What the client names.</param>
    /// <param name="missing">Why there is none.</param>
    public static Artifact? Of(OfferedRelease release, in ReleaseWish wish, out Refusal? missing)
    {
        var (platform, arch) = (wish.Platform, wish.Arch);
        var files = release.Artifacts.Where(a => a.Kind == ArtifactKind.File && Fits(a.Platform, platform) && Fits(a.Arch, arch)).ToList();
        var exact = files.Where(a => a.Platform == "" || platform is not null).Where(a => a.Arch == "" || arch is not null)
            .OrderByDescending(a => (a.Platform == platform ? 2 : 0) + (a.Arch == arch ? 1 : 0)).FirstOrDefault();
        var file = exact ?? (files.Count == 1 ? files[0] : null);
        missing = file is null ? NoFile(release, wish, files) : null;
        return file;
    }

    /// <summary>The file itself, or what lies beside it.</summary>
    public static Artifact? Beside(OfferedRelease release, Artifact file, ArtifactKind kind, out Refusal? missing)
    {
        var wanted = kind == ArtifactKind.File ? file : release.Artifacts.FirstOrDefault(a => a.Kind == kind && a.BesideId == file.Id);
        missing = wanted is null ? Wire.ReleaseNotFound($"Release {release.Version} has no {ArtifactView.KindName(kind)} for {file.FileName}") : null;
        return wanted;
    }

    static bool Fits(string made, string? asked) => made == "" || asked is null || made == asked;

    static Refusal NoFile(OfferedRelease release, in ReleaseWish wish, List<Artifact> left) => Wire.ReleaseNotFound(left.Count == 0
        ? $"Release {release.Version} has no file for {string.Join('/', new[] { wish.Platform, wish.Arch }.OfType<string>())}"
        : $"Release {release.Version} has several files: name platform and arch, one of {string.Join(", ", left.Select(NameOf).Distinct())}");

    static string NameOf(Artifact file) => (file.Platform, file.Arch) switch
    {
        (var platform, "") => platform,
        ("", var arch) => arch,
        var (platform, arch) => $"{platform}/{arch}",
    };
}
