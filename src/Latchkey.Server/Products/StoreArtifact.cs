using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Blobs;
using Latchkey.Server.Data;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Products;

/// <summary>A file on its way into a release.</summary>
/// <param name="Content">Read once, to its end.</param>
/// <param name="FileName">What customers save it as.</param>
/// <param name="Length">Of the content, if known beforehand.</param>
/// <param name="MaxLength">What is longer is refused.</param>
/// <param name="Sha256">What the sender says it is; another content is refused.</param>
/// <param name="Platform">Null: for all.</param>
/// <param name="Arch">Null: for all.</param>
/// <param name="Kind">Null: what customers come for.</param>
/// <param name="BesideId">Of a signature or a bill of materials: the file that it belongs to; null where the release has one file alone.</param>
sealed record Upload(
    Stream Content, string FileName, long? Length = null, long MaxLength = long.MaxValue, byte[]? Sha256 = null,
    string? Platform = null, string? Arch = null, string? Kind = null, long? BesideId = null);

/// <summary>Stores a file and puts it into a release.</summary>
sealed class StoreArtifact(UnitOfWork work)
{
    readonly ReleaseOperations _releases = new(work);

    /// <summary>Into a release that is there. One that is published takes more files, for other platforms.</summary>
    /// <exception cref="OperationException">Nothing was stored.</exception>
    public Task<ReleaseView> Attach(long release, Upload upload, Action<long>? progress = null, CancellationToken stop = default)
    {
        work.Require(Permission.ProductsWrite);
        RequirePlace(_releases.Find(release), upload);
        return Run(upload, blob => work.Change("release.add_file", () => _releases.View(release), _ =>
        {
            Add(_releases.Find(release), upload, blob);
            return _releases.View(release)!;
        }, view => view.Id), progress, stop);
    }

    /// <summary>A release of this one file, published at once; or the draft of that version, with this file.</summary>
    /// <param name="product">Whose.</param>
    /// <param name="fields">A version that is missing follows the highest one.</param>
    /// <param name="upload">The file.</param>
    /// <param name="progress">Called with the bytes stored so far.</param>
    /// <param name="stop">Leaves nothing behind.</param>
    /// <exception cref="OperationException">Nothing was stored.</exception>
    public Task<ReleaseView> Publish(long product, ReleaseFields fields, Upload upload, Action<long>? progress = null, CancellationToken stop = default)
    {
        work.Require(Permission.ProductsWrite);
        RequireVersion(product, fields.Version, upload);
        return Run(upload, blob => work.Change("release.publish", () => (ReleaseView?)null, _ =>
        {
            var release = Draft(product, fields.Version) is { } draft ? draft : _releases.Create(product, fields with { Version = fields.Version ?? _releases.NextVersion(product) });
            Add(release, upload, blob);
            _releases.Publish(release, null);
            work.Db.SaveChanges();
            return _releases.View(release.Id)!;
        }, view => view.Id), progress, stop);
    }

    Release? Draft(long product, string? version) =>
        version is null ? null : work.Db.Releases.SingleOrDefault(r => r.ProductId == product && r.Version == version && r.State == ReleaseState.Draft);

    /// <summary>What can be said before a large file is on its way.</summary>
    void RequireVersion(long product, string? version, Upload upload)
    {
        new ProductOperations(work).Find(product);
        if (version is null) return;
        if (Versions.Strict(version) is null) throw OperationException.Invalid("version", Versions.Lenient(version) is { } meant ? $"The version \"{version}\" must be spelled {meant} (Semantic Versioning 2.0)." : $"The version must be {Versions.Rule}.");
        if (Draft(product, version) is { } draft) RequirePlace(draft, upload);
        else if (work.Db.Releases.AsNoTracking().FirstOrDefault(r => r.ProductId == product && r.Version == version && r.State != ReleaseState.Draft) is { } same) throw _releases.Exists(same);
    }

    async Task<ReleaseView> Run(Upload upload, Func<StoredBlob, ReleaseView> into, Action<long>? progress, CancellationToken stop)
    {
        Check(upload);
        var blob = await Store(upload, progress, stop);
        try
        {
            if (blob.Size == 0) throw OperationException.Invalid("/file", "The file is empty.");
            if (upload.Sha256 is { } expected && !expected.AsSpan().SequenceEqual(blob.Sha256))
            {
                throw OperationException.Invalid("Repr-Digest", $"The file that arrived has the SHA-256 {Convert.ToHexStringLower(blob.Sha256)}, not the one you named: send it again.");
            }

            return into(blob);
        }
        catch
        {
            await Forget(blob);
            throw;
        }
    }

    /// <summary>What cannot be deleted now is swept later.</summary>
    async Task Forget(StoredBlob blob)
    {
        try
        {
            await work.Blobs.Delete(blob.Id);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // What went wrong before is told.
        }
    }

    async Task<StoredBlob> Store(Upload upload, Action<long>? progress, CancellationToken stop)
    {
        try
        {
            return await work.Blobs.Add(upload.Content, upload.MaxLength, progress, stop: stop);
        }
        catch (IOException full) when (Posix.IsNoSpace(full))
        {
            throw BlobFaults.NoSpace("The disk is full: nothing was stored.");
        }
    }

    void Check(Upload upload)
    {
        var faults = new Faults();
        if (FileNames.Fault(upload.FileName) is { } fault) faults.Add("file_name", $"The file name {fault}.");
        faults.Unless(upload.Kind is null || Enum.TryParse<ArtifactKind>(upload.Kind, ignoreCase: true, out _), "kind", "kind must be file, signature or sbom.");
        foreach (var (name, label) in new[] { ("platform", upload.Platform), ("arch", upload.Arch) })
        {
            faults.Unless(string.IsNullOrEmpty(label) || Label.Of(label) is not null, name, $"{name} must be {Label.Rule}.");
        }

        faults.Throw();
        if (upload.Length > upload.MaxLength) throw BlobFaults.TooLarge(upload.MaxLength);
        if (upload.Length is { } length && work.Blobs.Room() < length) throw BlobFaults.NoSpace($"The disk is full: it has no room for {length} more bytes.");
    }

    static ArtifactKind KindOf(Upload upload) => upload.Kind is null ? ArtifactKind.File : Enum.Parse<ArtifactKind>(upload.Kind, ignoreCase: true);

    static string LabelOf(string? text) => string.IsNullOrEmpty(text) ? "" : Label.Of(text) ?? "";

    /// <summary>Each release has one file for a platform and architecture, and beside it one of each other kind.</summary>
    /// <returns>The file that it belongs to, where it is none itself.</returns>
    Artifact? RequirePlace(Release release, Upload upload)
    {
        Check(upload);
        if (release.State == ReleaseState.Yanked) throw OperationException.Conflict("RELEASE_YANKED", $"Release {release.Version} was yanked: it takes no more files.");
        var (kind, platform, arch) = (KindOf(upload), LabelOf(upload.Platform), LabelOf(upload.Arch));
        var files = work.Db.Artifacts.Where(a => a.ReleaseId == release.Id).ToList();
        var beside = kind == ArtifactKind.File ? null : Beside(release, files, upload.BesideId);
        var same = files.Find(a => a.Kind == kind && (beside is null ? a.Platform == platform && a.Arch == arch : a.BesideId == beside.Id));
        if (same is not null) throw IsTaken(release, same);
        return beside;
    }

    static OperationException IsTaken(Release release, Artifact same) => release.State == ReleaseState.Draft
        ? OperationException.Conflict("ARTIFACT_EXISTS", $"Release {release.Version} has {same.FileName} there already: remove it first.", string.Create(CultureInfo.InvariantCulture, $"\"latchkey release remove-file {same.Id}\" does."))
        : OperationException.Conflict("ARTIFACT_EXISTS", $"Release {release.Version} has {same.FileName} there already, and it stays: add one for another platform, or publish another version.");

    static Artifact Beside(Release release, List<Artifact> files, long? id)
    {
        var main = files.FindAll(a => a.Kind == ArtifactKind.File);
        if (id is { } named) return main.Find(a => a.Id == named) ?? throw OperationException.Invalid("beside_id", string.Create(CultureInfo.InvariantCulture, $"Release {release.Version} has no file {named}."));
        if (main is [var only]) return only;
        if (main.Count == 0) throw OperationException.Invalid("beside_id", $"Release {release.Version} has no file yet that it could belong to: add that first.");
        var names = string.Join(", ", main.Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Id} ({a.FileName})")));
        throw OperationException.Invalid("beside_id", $"Release {release.Version} has several files: name the one that it belongs to, one of {names}.", "With --beside FILE-ID.");
    }

    void Add(Release release, Upload upload, StoredBlob blob)
    {
        var beside = RequirePlace(release, upload);
        work.Db.Add(new Artifact
        {
            ReleaseId = release.Id,
            ProductId = release.ProductId,
            Kind = KindOf(upload),
            BesideId = beside?.Id,
            Platform = beside?.Platform ?? LabelOf(upload.Platform),
            Arch = beside?.Arch ?? LabelOf(upload.Arch),
            FileName = upload.FileName,
            ContentType = FileNames.ContentType(upload.FileName),
            Size = blob.Size,
            Sha256 = blob.Sha256,
            BlobId = blob.Id,
            CreatedAt = work.Now,
        });
        work.Db.SaveChanges();
    }
}
