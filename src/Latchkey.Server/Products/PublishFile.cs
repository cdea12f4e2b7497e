using Latchkey.Server.Admin.Access;
using Latchkey.Server.Blobs;
using Latchkey.Server.Data;

namespace Latchkey.Server.Products;

/// <summary>A file on its way to become a product's download.</summary>
/// <param name="Product">Whose.</param>
/// <param name="Content">Read once, to its end.</param>
/// <param name="FileName">What customers save it as.</param>
/// <param name="Version">The vendor's own, for people.</param>
/// <param name="Length">Of the content, if known beforehand.</param>
/// <param name="MaxLength">What is longer is refused.</param>
/// <param name="Sha256">What the sender says it is; another content is refused.</param>
sealed record Upload(long Product, Stream Content, string FileName, string? Version, long? Length = null, long MaxLength = long.MaxValue, byte[]? Sha256 = null);

/// <summary>Stores a file and makes it the product's download, from the next request on.</summary>
sealed class PublishFile(UnitOfWork work)
{
    /// <exception cref="OperationException">Nothing was stored.</exception>
    public async Task<ProductView> Run(Upload upload, Action<long>? progress = null, CancellationToken stop = default)
    {
        work.Require(Permission.ProductsWrite);
        var products = new ProductOperations(work);
        products.Find(upload.Product);
        Check(upload);
        var blob = await Store(upload, progress, stop);
        try
        {
            if (blob.Size == 0) throw OperationException.Invalid("/file", "The file is empty.");
            if (upload.Sha256 is { } expected && !expected.AsSpan().SequenceEqual(blob.Sha256))
            {
                throw OperationException.Invalid("/file", $"The file that arrived has the SHA-256 {Convert.ToHexStringLower(blob.Sha256)}, not the one you named: send it again.");
            }

            return Publish(products, upload, blob);
        }
        catch
        {
            work.Blobs.Delete(blob.Id);
            throw;
        }
    }

    async Task<StoredBlob> Store(Upload upload, Action<long>? progress, CancellationToken stop)
    {
        try
        {
            return await work.Blobs.Add(upload.Content, upload.MaxLength, progress, stop);
        }
        catch (IOException full) when (Posix.IsNoSpace(full))
        {
            throw NoSpace("The disk is full: nothing was stored.");
        }
    }

    static OperationException NoSpace(string sentence) => new(sentence) { Fault = OperationFault.NoSpace, Code = "NO_SPACE" };

    void Check(Upload upload)
    {
        var faults = new Faults();
        if (FileNames.Fault(upload.FileName) is { } fault) faults.Add("file_name", $"The file name {fault}.");
        faults.Unless(upload.Version is null || (upload.Version.Length <= 100 && !upload.Version.Any(char.IsControl)), "version", "The version must be at most 100 characters, on one line.");
        faults.Throw();
        if (upload.Length > upload.MaxLength) throw FileBlobStore.TooLarge(upload.MaxLength);
        if (upload.Length is { } length && work.Blobs.Room() < length)
        {
            throw NoSpace($"The disk is full: it has no room for {length} more bytes.");
        }
    }

    ProductView Publish(ProductOperations products, Upload upload, StoredBlob blob) => work.Change("product.publish", () => products.View(upload.Product), _ =>
    {
        work.Db.Add(new Artifact
        {
            ProductId = upload.Product,
            Version = string.IsNullOrWhiteSpace(upload.Version) ? null : upload.Version.Trim(),
            FileName = upload.FileName,
            ContentType = FileNames.ContentType(upload.FileName),
            Size = blob.Size,
            Sha256 = blob.Sha256,
            BlobId = blob.Id,
            PublishedAt = work.Now,
        });
        work.Db.SaveChanges();
        return products.View(upload.Product)!;
    }, view => view.Id);
}
