using Latchkey.Server.Admin.Access;
using Latchkey.Server.Http;

namespace Latchkey.Server.Products;

/// <param name="Kind"><c>file</c>, <c>signature</c>, <c>sbom</c>.</param>
/// <param name="BesideId">Of a signature or a bill of materials: the file that it belongs to.</param>
/// <param name="Platform">Null: for all.</param>
/// <param name="Arch">Null: for all.</param>
/// <param name="FileSize">In bytes.</param>
public sealed record ArtifactView(
    long Id, string Kind, long? BesideId, string? Platform, string? Arch, string FileName, string ContentType, long FileSize, string Sha256, string CreatedAt)
{
    internal static ArtifactView Of(Artifact file) => new(
        file.Id, KindName(file.Kind), file.BesideId, NullIfEmpty(file.Platform), NullIfEmpty(file.Arch), file.FileName, file.ContentType, file.Size,
        Convert.ToHexStringLower(file.Sha256), Wire.Micros(file.CreatedAt));

    internal static string KindName(ArtifactKind kind) => kind.ToString().ToLowerInvariant();

    static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}

/// <param name="State"><c>draft</c>, <c>scheduled</c>, <c>published</c>, <c>yanked</c>.</param>
/// <param name="PublishedAt">Of a scheduled release, when it will be.</param>
/// <param name="RolloutPercent">To how many of a hundred licenses it is offered.</param>
/// <param name="MinimumVersion">Who has less is offered an older release first.</param>
/// <param name="Notes">Markdown.</param>
/// <param name="NotesHtml">The same, safe to show.</param>
public sealed record ReleaseView(
    long Id, long ProductId, string ProductName, string Version, string Channel, string State, string? PublishedAt, string? YankedAt,
    int RolloutPercent, string? MinimumVersion, string Notes, [property: OutsideState] string NotesHtml, string CreatedAt, IReadOnlyList<ArtifactView> Artifacts) : IResource
{
    internal static ReleaseView Of(Release r, string product, DateTimeOffset now) => new(
        r.Id, r.ProductId, product, r.Version, r.Channel, StateOf(r, now), Time(r.PublishedAt), Time(r.YankedAt),
        r.RolloutPercent, r.MinimumVersion, r.Notes, r.NotesHtml, Wire.Micros(r.CreatedAt), [.. r.Artifacts.OrderBy(a => a.Id).Select(ArtifactView.Of)]);

    internal static string StateOf(Release r, DateTimeOffset now) => r.State switch
    {
        ReleaseState.Draft => "draft",
        ReleaseState.Yanked => "yanked",
        _ => r.PublishedAt > now ? "scheduled" : "published",
    };

    static string? Time(DateTimeOffset? time) => time is { } at ? Wire.Micros(at) : null;
}
