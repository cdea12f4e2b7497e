using Latchkey.Server.Admin.Access;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

static class ProductEndpoints
{
    public static void Map(RouteGroupBuilder products)
    {
        products.MapGet("/", (ProductOperations operations, string? q, bool? archived, [AsParameters] Paging page) => operations.List(q, archived, page.Request))
            .WithName("listProducts").WithSummary("List products").Needs(Permission.ProductsRead).SortedBy("id", "-id", "name");
        products.MapPost("/", Create).WithName("createProduct").WithSummary("Add a product").Needs(Permission.ProductsWrite).Refuses("PRODUCT_EXISTS");
        products.MapGet("/{id:long}", (long id, ProductOperations operations) => operations.Show(id))
            .WithName("getProduct").WithSummary("Show a product").Needs(Permission.ProductsRead).Refuses("PRODUCT_NOT_FOUND");
        products.MapPatch("/{id:long}", (long id, EditProductRequest edit, ProductOperations operations) =>
                operations.Edit(id, new ProductFields(edit.Name, edit.Prefix, edit.KeyLength, edit.ApiDownload, edit.BindOnFirstUse)))
            .WithName("editProduct").WithSummary("Change a product; what is left out stays").Needs(Permission.ProductsWrite).Refuses("PRODUCT_NOT_FOUND");
        products.MapPost("/{id:long}/archive", (long id, ProductOperations operations) => operations.Archive(id))
            .WithName("archiveProduct").WithSummary("Issue nothing new for it; what was issued keeps working").Needs(Permission.ProductsWrite).Refuses("PRODUCT_NOT_FOUND");
        products.MapPost("/{id:long}/unarchive", (long id, ProductOperations operations) => operations.Unarchive(id))
            .WithName("unarchiveProduct").WithSummary("Sell it again").Needs(Permission.ProductsWrite).Refuses("PRODUCT_NOT_FOUND");
        products.MapGet("/{id:long}/files", (long id, ProductOperations operations, [AsParameters] Paging page) => operations.Files(id, page.Request))
            .WithName("listProductFiles").WithSummary("List the published files; the newest is the download").Needs(Permission.ProductsRead).SortedBy("-id").Refuses("PRODUCT_NOT_FOUND");
        products.MapPut("/{id:long}/files/{fileName}", Publish).WithMetadata(new StreamsBody())
            .WithName("publishProductFile").WithSummary("Publish a file: the request body, as it is").Needs(Permission.ProductsWrite)
            .Refuses("PRODUCT_NOT_FOUND", "FILE_TOO_LARGE", "NO_SPACE");
    }

    static Created<ProductView> Create(CreateProductRequest wanted, ProductOperations operations)
    {
        var product = operations.Add(wanted.Id, new ProductFields(wanted.Name, wanted.Prefix, wanted.KeyLength, wanted.ApiDownload, wanted.BindOnFirstUse));
        return TypedResults.Created($"/api/admin/products/{product.Id}", product);
    }

    static async Task<Created<ProductView>> Publish(long id, string fileName, string? version, HttpContext context, PublishFile publish, Settings settings)
    {
        // The store has a limit of its own, told in our words and before the body is read.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        var request = context.Request;

        // %2F is the one that routing leaves as it is.
        fileName = fileName.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        var upload = new Upload(id, request.Body, fileName, version, request.ContentLength, settings.Admin.MaxUploadBytes, Digest(request));
        var product = await publish.Run(upload, null, context.RequestAborted);
        return TypedResults.Created($"/api/admin/products/{id}/files", product);
    }

    /// <summary><c>Repr-Digest: sha-256=:…:</c> (RFC 9530): what the sender says the file is.</summary>
    static byte[]? Digest(HttpRequest request)
    {
        if (request.Headers["Repr-Digest"].ToString() is not { Length: > 0 } header) return null;
        var start = header.IndexOf("sha-256=:", StringComparison.OrdinalIgnoreCase);
        var text = start < 0 ? [] : header.AsSpan(start + 9);
        var end = text.IndexOf(':');
        var hash = new byte[32];
        return end > 0 && Convert.TryFromBase64Chars(text[..end], hash, out var length) && length == 32
            ? hash
            : throw OperationException.Invalid("Repr-Digest", "Repr-Digest must be sha-256=:…: with the file's SHA-256 in base64.");
    }
}
