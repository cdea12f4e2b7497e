using Latchkey.Server.Blobs;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Products;

sealed record ProductFile(long Id, string? Version, string FileName, string ContentType, long FileSize, string Sha256, string PublishedAt);

sealed record ProductView(
    long Id, string Name, string Prefix, int KeyLength, bool ApiDownload, bool BindOnFirstUse, string CreatedAt, int Licenses, ProductFile? File);

/// <summary>What is to be set; null leaves as it is (or, for a new product, as usual).</summary>
sealed record ProductFields(string? Name, string? Prefix, int? KeyLength, bool? ApiDownload, bool? BindOnFirstUse);

/// <summary>What a vendor does with products.</summary>
sealed class ProductOperations(LatchkeyDb db, TimeProvider clock)
{
    public ProductView Add(long? id, ProductFields fields)
    {
        if (id is { } chosen && db.Products.Any(p => p.Id == chosen)) throw new OperationException($"There is a product {chosen} already: choose another --id.");
        var product = new Product { Id = id ?? 0, Name = "", KeyPrefix = "", CreatedAt = clock.GetUtcNow() };
        Set(product, fields with
        {
            KeyLength = fields.KeyLength ?? LicenseKey.DefaultLength,
            ApiDownload = fields.ApiDownload ?? true,
            BindOnFirstUse = fields.BindOnFirstUse ?? true,
        });
        db.Add(product);
        db.SaveChanges();
        return Show(product.Id);
    }

    public ProductView Edit(long id, ProductFields fields)
    {
        Set(Find(id), fields);
        db.SaveChanges();
        return Show(id);
    }

    public ProductView Show(long id) => Views(db.Products.Where(p => p.Id == id)).SingleOrDefault() ?? throw Missing(id);

    public List<ProductView> List() => Views(db.Products.OrderBy(p => p.Id));

    public Product Find(long id) => db.Products.Find(id) ?? throw Missing(id);

    /// <summary>Stores the file, and makes it the product's download.</summary>
    public ProductView Publish(FileBlobStore blobs, long product, Stream content, string fileName, string? version, Action<long>? progress = null)
    {
        Find(product);
        if (FileNames.Fault(fileName) is { } fault) throw new OperationException($"The file name {fault}: choose another with --file-name.");
        var blob = blobs.Add(content, progress);
        try
        {
            if (blob.Size == 0) throw new OperationException("The file is empty.");
            db.Add(new Artifact
            {
                ProductId = product,
                Version = version,
                FileName = fileName,
                ContentType = FileNames.ContentType(fileName),
                Size = blob.Size,
                Sha256 = blob.Sha256,
                BlobId = blob.Id,
                PublishedAt = clock.GetUtcNow(),
            });
            db.SaveChanges();
        }
        catch
        {
            blobs.Delete(blob.Id);
            throw;
        }

        return Show(product);
    }

    static void Set(Product product, ProductFields fields)
    {
        if (fields.Name is { } name) product.Name = RequireName(name);
        if (fields.Prefix is { } prefix) product.KeyPrefix = RequirePrefix(prefix);
        if (fields.KeyLength is { } length) product.KeyLength = RequireKeyLength(length);
        product.ApiDownload = fields.ApiDownload ?? product.ApiDownload;
        product.BindOnFirstUse = fields.BindOnFirstUse ?? product.BindOnFirstUse;
    }

    static string RequireName(string name) =>
        !string.IsNullOrWhiteSpace(name) && name.Length <= 200 && !name.Any(char.IsControl)
            ? name.Trim()
            : throw new OperationException("The name must be 1 to 200 characters, on one line.");

    static string RequirePrefix(string prefix)
    {
        // "ACME_" is how it looks in a key: the underscore is ours.
        if (prefix.Length > 1 && prefix.EndsWith('_')) prefix = prefix[..^1];
        return LicenseKey.IsPrefix(prefix) ? prefix : throw new OperationException($"The prefix \"{prefix}\" must be {LicenseKey.PrefixRule}.");
    }

    static int RequireKeyLength(int length) =>
        length is >= LicenseKey.DefaultLength and <= LicenseKey.MaxRandomLength
            ? length
            : throw new OperationException($"The key length must be {LicenseKey.DefaultLength} to {LicenseKey.MaxRandomLength} characters after the prefix.");

    static OperationException Missing(long id) => new($"There is no product {id}: \"latchkey product list\" shows those there are.");

    List<ProductView> Views(IQueryable<Product> products) =>
        [.. products.Select(p => new
            {
                Product = p,
                Licenses = db.Licenses.Count(l => l.ProductId == p.Id),
                File = p.Artifacts.OrderByDescending(a => a.Id).FirstOrDefault(),
            })
            .AsNoTracking().AsEnumerable().Select(row => View(row.Product, row.Licenses, row.File))];

    static ProductView View(Product p, int licenses, Artifact? file) => new(
        p.Id, p.Name, p.KeyPrefix, p.KeyLength, p.ApiDownload, p.BindOnFirstUse, Http.Wire.Micros(p.CreatedAt), licenses,
        file is null ? null : new ProductFile(
            file.Id, file.Version, file.FileName, file.ContentType, file.Size, Convert.ToHexStringLower(file.Sha256), Http.Wire.Micros(file.PublishedAt)));
}

/// <summary>Names of published files: what the customer's browser saves them as.</summary>
static class FileNames
{
    static readonly FileExtensionContentTypeProvider Types = new()
    {
        Mappings = { [".zip"] = "application/zip", [".phar"] = "application/octet-stream", [".gz"] = "application/gzip" },
    };

    public static string ContentType(string name) =>
        Types.TryGetContentType(name, out var type) ? type : "application/octet-stream";

    /// <returns>What is wrong with it, or null.</returns>
    public static string? Fault(string name)
    {
        if (name.Length is 0 or > 200) return "must be 1 to 200 characters long";
        if (name is "." or "..") return "must name a file";
        if (name.AsSpan().ContainsAny('/', '\\')) return "must not contain / or \\";
        return name.Any(IsInvisible) ? "must not contain control or direction characters" : null;
    }

    /// <summary>Also the marks that turn the reading direction, which make "exe.zip" out of "piz.exe"; and lone surrogates.</summary>
    static bool IsInvisible(char c) =>
        char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format
            or System.Globalization.UnicodeCategory.LineSeparator or System.Globalization.UnicodeCategory.ParagraphSeparator;
}
