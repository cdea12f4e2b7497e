using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Latchkey.Server.Telemetry;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Downloads;

/// <summary>A download link as an operator sees it: never the link itself.</summary>
/// <param name="State">
/// <c>issued</c>, <c>in_progress</c>, <c>interrupted</c>, <c>handed_over</c> (to the web server in front or to the store, which do not
/// tell how far it got), <c>finished</c>, <c>expired</c>, <c>revoked</c>.
/// </param>
/// <param name="Attempts">Transfers: the first, and the resumptions.</param>
public sealed record DownloadTokenView(
    long Id, long LicenseId, long ProductId, string ProductName, string FileName, string Version, long FileSize, string State,
    [property: OutsideState] long BytesSent, [property: OutsideState] int Attempts, string CreatedAt, string ExpiresAt,
    string? ClaimedBy, string? ClaimedAt, string? SpentAt, string? RevokedAt) : IResource;

/// <summary>A new link; it is shown this once.</summary>
/// <param name="Id">Its number in the list of downloads.</param>
public sealed record DownloadLink(long Id, long LicenseId, [property: OutsideState] string DownloadUrl, string ExpiresAt, string Version, string FileName, long FileSize);

sealed record DownloadFilter(long? LicenseId = null, long? ProductId = null, string? State = null, long? Id = null);

/// <summary>What an operator does with download links.</summary>
sealed class DownloadOperations(UnitOfWork work)
{
    LatchkeyDb Db => work.Db;

    /// <param name="filter">Which.</param>
    /// <param name="page">Sorted by <c>-id</c>: the newest first.</param>
    public Page<DownloadTokenView> List(DownloadFilter filter, PageRequest page)
    {
        work.Require(Permission.DownloadsRead);
        page.Check("-id");
        var tokens = Db.DownloadTokens.AsQueryable();
        if (filter.LicenseId is { } license)
        {
            // A list of ids of its own, which is read off the index of expiry and license.
            var ids = Db.DownloadTokens.Where(t => t.LicenseId == license).Select(t => t.Id);
            tokens = tokens.Where(t => ids.Contains(t.Id));
        }

        if (filter.Id is { } id) tokens = tokens.Where(t => t.Id == id);
        if (filter.ProductId is { } product) tokens = tokens.Where(t => Db.Artifacts.Where(a => a.ProductId == product).Select(a => a.Id).Contains(t.ArtifactId));
        if (filter.State is { Length: > 0 } state) tokens = InState(tokens, state, work.Now);
        if (page.After() is { Id: var after }) tokens = tokens.Where(t => t.Id < after);
        return page.Cut(Views(tokens.OrderByDescending(t => t.Id).Take(page.Limit + 1)), view => view.Id);
    }

    public DownloadTokenView Show(long id)
    {
        work.Require(Permission.DownloadsRead);
        return View(id) ?? throw Missing(id);
    }

    /// <summary>The link is dead from the next request on; a transfer that runs ends at its next heartbeat.</summary>
    public DownloadTokenView Revoke(long id)
    {
        work.Require(Permission.DownloadsWrite);
        return work.Change("download.revoke", () => View(id), before =>
        {
            if (before is null) throw Missing(id);
            if (before.State == "finished") throw OperationException.Conflict("DOWNLOAD_FINISHED", "The file has been handed over already: there is nothing to revoke.");
            Db.DownloadTokens.Where(t => t.Id == id && t.SpentAt == null && t.RevokedAt == null).ExecuteUpdate(t => t.SetProperty(r => r.RevokedAt, work.Now));
            return View(id)!;
        }, view => view.Id);
    }

    /// <summary>A link for a customer, as the API would give it for the license's key.</summary>
    /// <param name="license">Whose.</param>
    /// <param name="home">What the link begins with.</param>
    /// <param name="lifetime">How long it can be used.</param>
    /// <param name="wish">Which release and file; what is left open is as for the license's own software.</param>
    public DownloadLink Create(LicenseRef license, string home, TimeSpan lifetime, ReleaseWish wish = default)
    {
        work.Require(Permission.DownloadsWrite);
        return work.Change("download.create", () => (DownloadLink?)null, _ =>
        {
            var found = license.Find(Db, work.Secrets);
            var state = LicenseView.StateOf(found.State, found.ExpiresAt, work.Now);
            if (state != "active") throw OperationException.Conflict("LICENSE_NOT_ACTIVE", $"License {found.Id} is {state}: a link for it would not work.");
            var (release, file) = Choose(found, wish);
            var (token, hash) = DownloadTokens.New();
            var expires = work.Now + lifetime;
            var made = new DownloadToken { Hash = hash, LicenseId = found.Id, ArtifactId = file.Id, CreatedAt = work.Now, ExpiresAt = expires };
            Db.Add(made);
            Db.SaveChanges();
            Instruments.Token("minted");
            return new DownloadLink(made.Id, found.Id, MintDownload.Url(home, token), Wire.Millis(expires), release.Version, file.FileName, file.Size);
        }, link => link.Id);
    }

    /// <summary>By the same rules as for the license's own software.</summary>
    (OfferedRelease Release, Artifact File) Choose(License license, ReleaseWish wish)
    {
        var now = work.Now;
        var published = Db.Releases.Include(r => r.Artifacts).AsNoTracking()
            .Where(r => r.ProductId == license.ProductId && r.State == ReleaseState.Published && r.PublishedAt <= now)
            .OrderByDescending(r => r.Precedence).AsEnumerable()
            .Select(r => new OfferedRelease(r.Id, r.Version, r.Channel, r.PublishedAt!.Value, r.RolloutPercent, r.MinimumVersion, r.Artifacts));
        var facts = new LicenseFacts(
            license.Id, license.ProductId, "", license.UserId, license.State, license.MaxDomains, license.ExpiresAt, license.CreatedAt, license.LastRotated,
            false, true, license.UpdatesUntil, license.Channel, []);
        return ReleaseChoice.ForDownload(published, wish, facts) switch
        {
            { Release: { } release, File: { } file } => (release, file),
            { Refused: { Status: 403 } refused } => throw OperationException.Conflict(refused.Code, refused.Message + "."),
            { Refused: { } refused } when refused == Wire.NoDownloadableFile => throw OperationException.Conflict(refused.Code, $"Product {license.ProductId} has no published file yet."),
            { Refused: var refused } => throw new OperationException(refused!.Message + ".") { Fault = OperationFault.NotFound, Code = refused.Code },
        };
    }

    static IQueryable<DownloadToken> InState(IQueryable<DownloadToken> tokens, string state, DateTimeOffset now) => state switch
    {
        "revoked" => tokens.Where(t => t.RevokedAt != null),
        "finished" => tokens.Where(t => t.RevokedAt == null && t.SpentAt != null),
        "in_progress" => tokens.Where(t => t.RevokedAt == null && t.SpentAt == null && t.LeaseUntil > now),
        "expired" => tokens.Where(t => t.RevokedAt == null && t.SpentAt == null && t.ExpiresAt <= now && (t.LeaseUntil == null || t.LeaseUntil <= now)),
        "handed_over" => tokens.Where(t => t.RevokedAt == null && t.SpentAt == null && t.ExpiresAt > now && t.DelegatedAt != null),
        "interrupted" => tokens.Where(t => t.RevokedAt == null && t.SpentAt == null && t.ExpiresAt > now && t.DelegatedAt == null && t.ClaimedBy != null && (t.LeaseUntil == null || t.LeaseUntil <= now)),
        "issued" => tokens.Where(t => t.RevokedAt == null && t.SpentAt == null && t.ExpiresAt > now && t.ClaimedBy == null),
        _ => throw OperationException.Invalid("state", "state must be one of issued, in_progress, interrupted, handed_over, finished, expired, revoked."),
    };

    static string StateOf(DownloadToken token, DateTimeOffset now) => token switch
    {
        { RevokedAt: not null } => "revoked",
        { SpentAt: not null } => "finished",
        { LeaseUntil: { } lease } when lease > now => "in_progress",
        _ when token.ExpiresAt <= now => "expired",
        { DelegatedAt: not null } => "handed_over",
        { ClaimedBy: not null } => "interrupted",
        _ => "issued",
    };

    DownloadTokenView? View(long id) => Views(Db.DownloadTokens.Where(t => t.Id == id)).SingleOrDefault();

    static OperationException Missing(long id) => OperationException.Missing("download token", id.ToString(CultureInfo.InvariantCulture));

    List<DownloadTokenView> Views(IQueryable<DownloadToken> tokens) =>
        [.. tokens.AsNoTracking()
            .Join(Db.Artifacts, t => t.ArtifactId, a => a.Id, (t, a) => new { Token = t, File = a })
            .Join(Db.Releases, row => row.File.ReleaseId, r => r.Id, (row, r) => new { row.Token, row.File, r.Version })
            .Join(Db.Products, row => row.File.ProductId, p => p.Id, (row, p) => new { row.Token, row.File, row.Version, Product = p.Name })
            .OrderByDescending(row => row.Token.Id)
            .AsEnumerable().Select(row => View(row.Token, row.File, row.Version, row.Product, work.Now))];

    static DownloadTokenView View(DownloadToken t, Artifact file, string version, string product, DateTimeOffset now) => new(
        t.Id, t.LicenseId, file.ProductId, product, file.FileName, version, file.Size, StateOf(t, now), t.SpentAt is null ? t.BytesSent : file.Size, t.Attempts,
        Wire.Micros(t.CreatedAt), Wire.Micros(t.ExpiresAt), t.ClaimedBy, Time(t.ClaimedAt), Time(t.SpentAt), Time(t.RevokedAt));

    static string? Time(DateTimeOffset? time) => time is { } at ? Wire.Micros(at) : null;
}
