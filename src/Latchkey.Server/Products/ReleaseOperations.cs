using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Microsoft.EntityFrameworkCore;
using Semver;

namespace Latchkey.Server.Products;

/// <summary>What is to be set; null leaves as it is (or, for a new release, as usual).</summary>
/// <param name="Version">SemVer 2.0.</param>
/// <param name="Channel">Usual is what the version says: <c>2.0.0-alpha.1</c> is alpha, other pre-releases are beta, the rest is stable.</param>
/// <param name="Notes">Markdown, at most <see cref="ReleaseNotes.MaxLength"/> characters.</param>
/// <param name="RolloutPercent">1 to 100.</param>
/// <param name="MinimumVersion">An empty text takes it away.</param>
sealed record ReleaseFields(string? Version = null, string? Channel = null, string? Notes = null, int? RolloutPercent = null, string? MinimumVersion = null)
{
    /// <summary>Read as soon as they are there, before anybody waits for a transaction.</summary>
    public ReadNotes? NotesRead { get; } = Notes is null ? null : ReleaseNotes.Read(Notes);
}

sealed record ReleaseFilter(long? ProductId = null, string? Channel = null, string? State = null);

/// <summary>What a vendor does with the releases of a product.</summary>
sealed class ReleaseOperations(UnitOfWork work)
{
    LatchkeyDb Db => work.Db;

    /// <param name="filter">Which.</param>
    /// <param name="page">Sorted by <c>-version</c> within a product (the newest first), or <c>-id</c>.</param>
    public Page<ReleaseView> List(ReleaseFilter filter, PageRequest page)
    {
        work.Require(Permission.ProductsRead);
        var sort = page.Check("-version", "-id");
        var releases = Matching(filter);
        if (sort == "-id")
        {
            if (page.After() is { Id: var last }) releases = releases.Where(r => r.Id < last);
            return page.Cut(Views(releases.OrderByDescending(r => r.Id).Take(page.Limit + 1)), view => view.Id);
        }

        // A release that was added meanwhile moves those above it: where the last one stands now is looked up.
        if (page.After() is { Id: var id })
        {
            var place = Db.Releases.Where(r => r.Id == id).Select(r => new { r.ProductId, r.Precedence }).SingleOrDefault()
                ?? throw OperationException.Invalid("cursor", "The release that this page ended with is gone: read the list again.");
            releases = releases.Where(r => r.ProductId > place.ProductId || (r.ProductId == place.ProductId && r.Precedence < place.Precedence));
        }

        return page.Cut(Views(releases.OrderBy(r => r.ProductId).ThenByDescending(r => r.Precedence).Take(page.Limit + 1)), view => view.Id);
    }

    IQueryable<Release> Matching(ReleaseFilter filter)
    {
        var releases = Db.Releases.AsQueryable();
        if (filter.ProductId is { } product) releases = releases.Where(r => r.ProductId == product);
        if (filter.Channel is { Length: > 0 } channel) releases = releases.Where(r => r.Channel == channel);
        var now = work.Now;
        return filter.State switch
        {
            null or "" => releases,
            "draft" => releases.Where(r => r.State == ReleaseState.Draft),
            "scheduled" => releases.Where(r => r.State == ReleaseState.Published && r.PublishedAt > now),
            "published" => releases.Where(r => r.State == ReleaseState.Published && r.PublishedAt <= now),
            "yanked" => releases.Where(r => r.State == ReleaseState.Yanked),
            _ => throw OperationException.Invalid("state", "state must be one of draft, scheduled, published, yanked."),
        };
    }

    public ReleaseView Show(long id)
    {
        work.Require(Permission.ProductsRead);
        return View(id) ?? throw Missing(id);
    }

    /// <summary>A draft, which nobody can have before it has a file and is published.</summary>
    public ReleaseView Add(long product, ReleaseFields fields)
    {
        work.Require(Permission.ProductsWrite);
        return work.Change("release.add", () => (ReleaseView?)null, _ => View(Create(product, fields).Id)!, view => view.Id);
    }

    /// <summary>Within a change: the caller answers for it.</summary>
    public Release Create(long product, ReleaseFields fields)
    {
        new ProductOperations(work).Find(product);
        var release = new Release { ProductId = product, Version = "", Channel = "", CreatedAt = work.Now, Precedence = -1 };
        Set(release, fields with { Version = fields.Version ?? "", Channel = fields.Channel ?? UsualChannel(fields.Version) });
        Db.Add(release);
        Db.SaveChanges();
        Renumber(product);
        return release;
    }

    static string UsualChannel(string? version) => Versions.Strict(version ?? "") switch
    {
        { IsPrerelease: true } early when early.PrereleaseIdentifiers[0].Value is "alpha" or "dev" => early.PrereleaseIdentifiers[0].Value,
        { IsPrerelease: true } => "beta",
        _ => Channel.Stable,
    };

    /// <summary>The version that follows the highest one: its patch number plus one.</summary>
    public string NextVersion(long product)
    {
        var highest = Db.Releases.Where(r => r.ProductId == product).Select(r => r.Version).AsEnumerable()
            .Select(version => Versions.Lenient(version)!).Where(version => version.IsRelease).Order(SemVersion.PrecedenceComparer).LastOrDefault();
        return highest is null ? "1.0.0" : highest.WithPatch(highest.Patch + 1).WithoutMetadata().ToString();
    }

    public ReleaseView Edit(long id, ReleaseFields fields) => Change("release.edit", id, release =>
    {
        if (fields.Version is { } version && version != release.Version && !release.IsToCome(work.Now))
        {
            throw OperationException.Conflict("RELEASE_PUBLISHED", $"Release {release.Version} was published: its version stays. Yank it, and publish another.");
        }

        var isRenamed = fields.Version is not null && fields.Version != release.Version;
        Set(release, fields);
        Db.SaveChanges();
        if (isRenamed) Renumber(release.ProductId);
    });

    /// <param name="id">A draft, or a release that waits for its time.</param>
    /// <param name="at">When; null is now. What is over is refused, but for a minute in which clocks may differ.</param>
    public ReleaseView Publish(long id, DateTimeOffset? at = null) => Change("release.publish", id, release =>
    {
        if (at < work.Now - TimeSpan.FromMinutes(1))
        {
            throw OperationException.Invalid("/published_at", $"The time {at.Value.UtcDateTime:yyyy-MM-dd HH:mm} UTC is over: name a later one, or none to publish now. A date alone is its beginning.");
        }

        Publish(release, at);
    });

    /// <summary>Within a change.</summary>
    public void Publish(Release release, DateTimeOffset? at)
    {
        if (release.State == ReleaseState.Yanked) throw OperationException.Conflict("RELEASE_YANKED", $"Release {release.Version} was yanked: take that back, or publish another version.");
        if (release.State == ReleaseState.Published && release.PublishedAt <= work.Now) throw AlreadyPublished(release.Version);
        if (!Db.Artifacts.Any(a => a.ReleaseId == release.Id && a.Kind == ArtifactKind.File)) throw OperationException.Conflict("RELEASE_WITHOUT_FILE", $"Release {release.Version} has no file yet: add one first.");
        (release.State, release.PublishedAt) = (ReleaseState.Published, at ?? work.Now);
    }

    public static OperationException AlreadyPublished(string version) =>
        OperationException.Conflict("RELEASE_PUBLISHED", $"Release {version} is published already, and what is published stays as it is: publish another version, and yank this one if it is a mistake.");

    /// <summary>Nobody can have it from the next request on, by links that are out neither.</summary>
    public ReleaseView Yank(long id) => Change("release.yank", id, release =>
    {
        if (release.State == ReleaseState.Draft) throw OperationException.Conflict("RELEASE_NOT_PUBLISHED", $"Release {release.Version} is a draft: delete it instead.");
        if (release.State == ReleaseState.Yanked) return;
        (release.State, release.YankedAt) = (ReleaseState.Yanked, work.Now);
    });

    /// <summary>As if it had never been yanked.</summary>
    public ReleaseView Unyank(long id) => Change("release.unyank", id, release =>
    {
        if (release.State == ReleaseState.Draft) throw OperationException.Conflict("RELEASE_NOT_PUBLISHED", $"Release {release.Version} is a draft: publish it.");
        (release.State, release.YankedAt) = (ReleaseState.Published, null);
    });

    /// <summary>A draft, or a release that waits for its time, can be deleted, with its files.</summary>
    /// <returns>As it was.</returns>
    public async Task<ReleaseView> Delete(long id)
    {
        work.Require(Permission.ProductsWrite, confirmed: true);
        List<string> blobs = [];
        var gone = work.Change("release.delete", () => View(id), before =>
        {
            var release = Find(id);
            if (!release.IsToCome(work.Now)) throw OperationException.Conflict("RELEASE_PUBLISHED", $"Release {release.Version} was published and stays{(release.State == ReleaseState.Yanked ? "" : ": yank it instead")}.");
            var files = Db.Artifacts.Where(a => a.ReleaseId == id).OrderByDescending(a => a.Id).ToList();
            blobs = files.ConvertAll(a => a.BlobId);
            Remove(files);
            Db.Remove(release);
            Db.SaveChanges();
            return before!;
        }, view => view.Id);
        await Forget(blobs);
        return gone;
    }

    /// <summary>A file of a draft, with what lies beside it.</summary>
    public async Task<ReleaseView> RemoveArtifact(long id)
    {
        work.Require(Permission.ProductsWrite, confirmed: true);
        var release = Db.Artifacts.Where(a => a.Id == id).Select(a => (long?)a.ReleaseId).SingleOrDefault()
            ?? throw OperationException.Missing("artifact", id.ToString(CultureInfo.InvariantCulture));
        List<string> blobs = [];
        var view = Change("release.remove_file", release, found =>
        {
            if (found.State == ReleaseState.Published && found.IsToCome(work.Now)) throw OperationException.Conflict("RELEASE_PUBLISHED", $"Release {found.Version} waits for its time, and needs its files: delete it, and add it again.");
            if (found.State != ReleaseState.Draft) throw AlreadyPublished(found.Version);
            var files = Db.Artifacts.Where(a => a.Id == id || a.BesideId == id).OrderByDescending(a => a.Id).ToList();
            blobs = files.ConvertAll(a => a.BlobId);
            Remove(files);
        });
        await Forget(blobs);
        return view;
    }

    /// <summary>Those that belong to another go first.</summary>
    void Remove(List<Artifact> files)
    {
        foreach (var part in files.GroupBy(file => file.BesideId is null).OrderBy(part => part.Key))
        {
            Db.RemoveRange(part);
            Db.SaveChanges();
        }
    }

    /// <summary>What cannot be deleted now is swept later.</summary>
    async Task Forget(List<string> blobs)
    {
        foreach (var blob in blobs)
        {
            try
            {
                await work.Blobs.Delete(blob);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or StoreUnavailableException)
            {
                return;
            }
        }
    }

    ReleaseView Change(string action, long id, Action<Release> change)
    {
        work.Require(Permission.ProductsWrite);
        return work.Change(action, () => View(id), _ =>
        {
            change(Find(id));
            Db.SaveChanges();
            return View(id)!;
        }, view => view.Id);
    }

    void Set(Release release, ReleaseFields fields)
    {
        var faults = new Faults();
        if (fields.Version is { } version)
        {
            faults.Unless(Versions.Strict(version) is not null, "/version", Versions.Lenient(version) is { } meant
                ? $"The version \"{version}\" must be spelled {meant} (Semantic Versioning 2.0)." : $"The version must be {Versions.Rule}.");
            if (version != release.Version) RequireNew(release, version, faults);
            release.Version = version;
        }

        if (fields.Channel is { } channel)
        {
            faults.Unless(Label.Of(channel) is not null, "/channel", $"The channel must be stable, beta, alpha, dev or a name of your own: {Label.Rule}.");
            release.Channel = Label.Of(channel) ?? "";
        }

        if (fields.NotesRead is { } notes)
        {
            if (notes.Fault is { } fault) faults.Add("/notes", fault);
            (release.Notes, release.NotesHtml) = (notes.Text.Markdown, notes.Text.Html);
        }

        if (fields.RolloutPercent is { } percent)
        {
            faults.Unless(percent is >= 1 and <= 100, "/rollout_percent", "The rollout must be 1 to 100 percent.");
            release.RolloutPercent = percent;
        }

        if (fields.MinimumVersion is { } least)
        {
            faults.Unless(least.Length == 0 || Versions.Strict(least) is not null, "/minimum_version", $"The minimum version must be {Versions.Rule}.");
            release.MinimumVersion = least.Length == 0 ? null : least;
        }

        if (fields is not { Version: null, MinimumVersion: null } && Versions.Strict(release.MinimumVersion ?? "") is { } old && Versions.Strict(release.Version) is { } own)
        {
            faults.Unless(Versions.Compare(old, own) < 0, "/minimum_version", $"The minimum version {old} must be lower than {own}, the release's own: it is what must be installed before.");
        }

        faults.Throw();
    }

    void RequireNew(Release release, string version, Faults faults)
    {
        if (Versions.Strict(version) is not { } wanted) return;
        var same = Db.Releases.Where(r => r.ProductId == release.ProductId && r.Id != release.Id).AsNoTracking().AsEnumerable()
            .FirstOrDefault(r => Versions.Compare(Versions.Lenient(r.Version)!, wanted) == 0);
        if (same is null) return;
        faults.Throw();
        throw Exists(same);
    }

    /// <summary>What to do about a release that has the version already.</summary>
    public OperationException Exists(Release same)
    {
        var (state, help) = ReleaseView.StateOf(same, work.Now) switch
        {
            "draft" => ("a draft", "go on with that"),
            "scheduled" => ("scheduled", "delete that"),
            "yanked" => ("yanked", "take that back"),
            _ => ("", ""),
        };
        return help.Length == 0
            ? AlreadyPublished(same.Version)
            : OperationException.Conflict("RELEASE_EXISTS", string.Create(CultureInfo.InvariantCulture, $"There is a release {same.Version} already, number {same.Id}, which is {state}: {help}, or choose another version."));
    }

    /// <summary>Gives each release of the product its place by precedence; those that have it are left alone.</summary>
    void Renumber(long product)
    {
        var all = Db.Releases.Where(r => r.ProductId == product).Select(r => new { r.Id, r.Version, r.Precedence }).ToList()
            .OrderBy(r => Versions.Lenient(r.Version)!, SemVersion.PrecedenceComparer);
        foreach (var (place, release) in all.Index().Where(pair => pair.Item.Precedence != pair.Index))
        {
            Db.Releases.Where(r => r.Id == release.Id).ExecuteUpdate(r => r.SetProperty(row => row.Precedence, place));
        }
    }

    public Release Find(long id) => Db.Releases.Find(id) ?? throw Missing(id);

    public ReleaseView? View(long id) => Views(Db.Releases.Where(r => r.Id == id)).SingleOrDefault();

    List<ReleaseView> Views(IQueryable<Release> releases)
    {
        var rows = releases.Include(r => r.Artifacts).AsNoTracking().AsSplitQuery().ToList();
        var products = rows.Select(r => r.ProductId).Distinct().ToList();
        var names = Db.Products.Where(p => products.Contains(p.Id)).ToDictionary(p => p.Id, p => p.Name);
        return rows.ConvertAll(r => ReleaseView.Of(r, names[r.ProductId], work.Now));
    }

    static OperationException Missing(long id) =>
        OperationException.Missing("release", id.ToString(CultureInfo.InvariantCulture), "\"latchkey release list\" shows those there are.");
}
