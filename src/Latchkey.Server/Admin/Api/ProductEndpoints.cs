using Latchkey.Server.Admin.Access;
using Latchkey.Server.Configuration;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

static class ProductEndpoints
{
    public static void Map(RouteGroupBuilder products)
    {
        products.MapGet("/", (ProductOperations operations, string? q, bool? archived, [AsParameters] Paging page) => operations.List(q, archived, page.Request))
            .WithName("listProducts").WithSummary("List products").Needs(Permission.ProductsRead).SortedBy("id", "-id", "name").Heavy();
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
        products.MapGet("/{id:long}/releases", (long id, ReleaseOperations operations, ProductOperations products, [AsParameters] ProductReleaseQuery query, [AsParameters] Paging page) =>
            operations.List(new ReleaseFilter(products.Show(id).Id, query.Channel, query.State), page.Request))
            .WithName("listProductReleases").WithSummary("List the releases of a product, the newest version first").Needs(Permission.ProductsRead).SortedBy("-version", "-id").Heavy().Refuses("PRODUCT_NOT_FOUND");
        products.MapPost("/{id:long}/releases", AddRelease).WithName("createRelease").WithSummary("Add a release: a draft, which takes files until it is published").Needs(Permission.ProductsWrite)
            .Refuses("PRODUCT_NOT_FOUND", "RELEASE_EXISTS", "RELEASE_PUBLISHED");
        products.MapPut("/{id:long}/files/{fileName}", Publish).WithMetadata(new StreamsBody())
            .WithName("publishProductFile").WithSummary("Publish a release of one file: the request body, as it is").Needs(Permission.ProductsWrite)
            .Refuses("PRODUCT_NOT_FOUND", "RELEASE_PUBLISHED", "RELEASE_EXISTS", "ARTIFACT_EXISTS", "FILE_TOO_LARGE", "NO_SPACE");
    }

    static Created<ReleaseView> AddRelease(long id, CreateReleaseRequest wanted, ReleaseOperations operations)
    {
        var release = operations.Add(id, wanted.Fields);
        return TypedResults.Created($"/api/admin/releases/{release.Id}", release);
    }

    static Created<ProductView> Create(CreateProductRequest wanted, ProductOperations operations)
    {
        var product = operations.Add(wanted.Id, new ProductFields(wanted.Name, wanted.Prefix, wanted.KeyLength, wanted.ApiDownload, wanted.BindOnFirstUse));
        return TypedResults.Created($"/api/admin/products/{product.Id}", product);
    }

    static async Task<Created<ReleaseView>> Publish(long id, string fileName, string? version, string? channel, HttpContext context, StoreArtifact store, Settings settings)
    {
        var release = await store.Publish(id, new ReleaseFields(version, channel), Uploads.Of(context, fileName, settings), null, context.RequestAborted);
        return TypedResults.Created($"/api/admin/releases/{release.Id}", release);
    }
}
