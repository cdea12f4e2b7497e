using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.Licenses;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Products;

/// <summary>What an ordinary license downloads now: the file of the newest stable release.</summary>
/// <param name="Id">The artifact's.</param>
/// <param name="FileSize">In bytes.</param>
public sealed record ProductFile(long Id, long ReleaseId, string Version, string FileName, string ContentType, long FileSize, string Sha256, string PublishedAt);

public sealed record ProductView(
    long Id, string Name, string Prefix, int KeyLength, bool ApiDownload, bool BindOnFirstUse, bool IsArchived, string CreatedAt,
    [property: OutsideState] int Licenses, [property: OutsideState] ProductFile? File) : IResource;

/// <summary>What is to be set; null leaves as it is (or, for a new product, as usual).</summary>
sealed record ProductFields(string? Name, string? Prefix, int? KeyLength, bool? ApiDownload, bool? BindOnFirstUse);

/// <summary>What a vendor does with products.</summary>
sealed class ProductOperations(UnitOfWork work)
{
    LatchkeyDb Db => work.Db;

    /// <param name="id">A number that installers in the field have built in; null takes the next free one.</param>
    /// <param name="fields">Name and prefix are needed.</param>
    public ProductView Add(long? id, ProductFields fields)
    {
        work.Require(Permission.ProductsWrite);
        return work.Change("product.add", () => (ProductView?)null, _ =>
        {
            if (id is < 1 or > WholeNumber.Most) throw OperationException.Invalid("/id", $"A product's id must be a whole number, 1 to {WholeNumber.MostText}.");
            if (id is { } chosen && Db.Products.Any(p => p.Id == chosen)) throw OperationException.Conflict("PRODUCT_EXISTS", $"There is a product {chosen} already: choose another id.");
            if (id is null) WholeNumber.RequireNext(Db.Products.Max(p => (long?)p.Id));
            var product = new Product { Id = id ?? 0, Name = "", KeyPrefix = "", CreatedAt = work.Now };
            Set(product, fields with
            {
                Name = fields.Name ?? "",
                Prefix = fields.Prefix ?? "",
                KeyLength = fields.KeyLength ?? LicenseKey.DefaultLength,
                ApiDownload = fields.ApiDownload ?? true,
                BindOnFirstUse = fields.BindOnFirstUse ?? true,
            });
            Db.Add(product);
            Db.SaveChanges();
            return View(product.Id)!;
        }, view => view.Id);
    }

    public ProductView Edit(long id, ProductFields fields) => Change("product.edit", id, product => Set(product, fields));

    /// <summary>Nothing new is issued; what was issued keeps working. Can be taken back.</summary>
    public ProductView Archive(long id) => Change("product.archive", id, product => product.ArchivedAt ??= work.Now);

    public ProductView Unarchive(long id) => Change("product.unarchive", id, product => product.ArchivedAt = null);

    ProductView Change(string action, long id, Action<Product> change)
    {
        work.Require(Permission.ProductsWrite);
        return work.Change(action, () => View(id), _ =>
        {
            change(Find(id));
            Db.SaveChanges();
            return View(id)!;
        }, view => view.Id);
    }

    public ProductView Show(long id)
    {
        work.Require(Permission.ProductsRead);
        return View(id) ?? throw Missing(id);
    }

    /// <summary>All there are, by id.</summary>
    public List<ProductView> List()
    {
        work.Require(Permission.ProductsRead);
        return Views(Db.Products.OrderBy(p => p.Id));
    }

    /// <param name="search">A part of the name or of the prefix.</param>
    /// <param name="archived">Null: both.</param>
    /// <param name="page">Sorted by <c>id</c>, <c>-id</c>, <c>name</c>.</param>
    public Page<ProductView> List(string? search, bool? archived, PageRequest page)
    {
        work.Require(Permission.ProductsRead);
        var sort = page.Check("id", "-id", "name");
        var products = Db.Products.AsQueryable();
        if (archived is { } isArchived) products = products.Where(p => p.ArchivedAt != null == isArchived);
        if (!string.IsNullOrWhiteSpace(search))
        {
            var like = LikePattern.Containing(search.Trim());
            products = products.Where(p => EF.Functions.Like(LatchkeyDb.Lower(p.Name), like, LikePattern.Escape) || EF.Functions.Like(LatchkeyDb.Lower(p.KeyPrefix), like, LikePattern.Escape));
        }

        var after = page.After();
        products = (sort, after) switch
        {
            ("id", null) => products.OrderBy(p => p.Id),
            ("id", { Id: var id }) => products.Where(p => p.Id > id).OrderBy(p => p.Id),
            ("-id", null) => products.OrderByDescending(p => p.Id),
            ("-id", { Id: var id }) => products.Where(p => p.Id < id).OrderByDescending(p => p.Id),
            (_, null) => products.OrderBy(p => p.Name).ThenBy(p => p.Id),
            (_, { Id: var id, Value: var name }) => products.Where(p => p.Name.CompareTo(name) > 0 || (p.Name == name && p.Id > id)).OrderBy(p => p.Name).ThenBy(p => p.Id),
        };
        return page.Cut(Views(products.Take(page.Limit + 1)), view => view.Id, sort == "name" ? view => view.Name : null);
    }

    public Product Find(long id) => Db.Products.Find(id) ?? throw Missing(id);

    static void Set(Product product, ProductFields fields)
    {
        var faults = new Faults();
        if (fields.Name is { } name)
        {
            faults.Unless(!string.IsNullOrWhiteSpace(name) && name.Length <= 200 && !name.Any(char.IsControl), "/name", "The name must be 1 to 200 characters, on one line.");
            product.Name = name.Trim();
        }

        if (fields.Prefix is { } prefix)
        {
            // "ACME_" is how it looks in a key: the underscore is ours.
            if (prefix.Length > 1 && prefix.EndsWith('_')) prefix = prefix[..^1];
            faults.Unless(LicenseKey.IsPrefix(prefix), "/prefix", $"The prefix \"{prefix}\" must be {LicenseKey.PrefixRule}.");
            product.KeyPrefix = prefix;
        }

        if (fields.KeyLength is { } length)
        {
            faults.Unless(length is >= LicenseKey.DefaultLength and <= LicenseKey.MaxRandomLength, "/key_length",
                $"The key length must be {LicenseKey.DefaultLength} to {LicenseKey.MaxRandomLength} characters after the prefix.");
            product.KeyLength = length;
        }

        product.ApiDownload = fields.ApiDownload ?? product.ApiDownload;
        product.BindOnFirstUse = fields.BindOnFirstUse ?? product.BindOnFirstUse;
        faults.Throw();
    }

    public static OperationException Missing(long id) =>
        OperationException.Missing("product", id.ToString(CultureInfo.InvariantCulture), "\"latchkey product list\" shows those there are.");

    public ProductView? View(long id) => Views(Db.Products.Where(p => p.Id == id)).SingleOrDefault();

    List<ProductView> Views(IQueryable<Product> products)
    {
        var now = work.Now;
        return [.. products.Select(p => new
        {
            Product = p,
            Licenses = Db.Licenses.Count(l => l.ProductId == p.Id),
            Newest = p.Releases.Where(r => r.State == ReleaseState.Published && r.PublishedAt <= now && r.Channel == Channel.Stable)
                .OrderByDescending(r => r.Precedence)
                .Select(r => new { Release = r, File = r.Artifacts.Where(a => a.Kind == ArtifactKind.File).OrderBy(a => a.Id).First() }).FirstOrDefault(),
        })
        .AsNoTracking().AsEnumerable().Select(row => View(row.Product, row.Licenses, row.Newest is { } newest ? FileOf(newest.Release, newest.File) : null))];
    }

    static ProductView View(Product p, int licenses, ProductFile? file) => new(
        p.Id, p.Name, p.KeyPrefix, p.KeyLength, p.ApiDownload, p.BindOnFirstUse, p.ArchivedAt is not null, Wire.Micros(p.CreatedAt), licenses, file);

    static ProductFile FileOf(Release release, Artifact file) => new(
        file.Id, release.Id, release.Version, file.FileName, file.ContentType, file.Size, Convert.ToHexStringLower(file.Sha256), Wire.Micros(release.PublishedAt!.Value));
}
