using Latchkey.Server.Admin.Access;
using Latchkey.Server.Configuration;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

static class ReleaseEndpoints
{
    public static void Map(RouteGroupBuilder releases)
    {
        releases.MapGet("/", (ReleaseOperations operations, [AsParameters] ReleaseQuery query, [AsParameters] Paging page) => operations.List(query.Filter, page.Request))
            .WithName("listReleases").WithSummary("List releases, the newest version of each product first").Needs(Permission.ProductsRead).SortedBy("-version", "-id").Heavy();
        releases.MapGet("/{id:long}", (long id, ReleaseOperations operations) => operations.Show(id))
            .WithName("getRelease").WithSummary("Show a release and its files").Needs(Permission.ProductsRead).Refuses("RELEASE_NOT_FOUND");
        releases.MapPatch("/{id:long}", (long id, EditReleaseRequest edit, ReleaseOperations operations) => operations.Edit(id, edit.Fields))
            .WithName("editRelease").WithSummary("Change a release; what is left out stays").Needs(Permission.ProductsWrite).Refuses("RELEASE_NOT_FOUND", "RELEASE_PUBLISHED", "RELEASE_EXISTS");
        releases.MapDelete("/{id:long}", (long id, ReleaseOperations operations) => operations.Delete(id))
            .WithName("deleteRelease").WithSummary("Delete a draft, or a scheduled release, and its files").Needs(Permission.ProductsWrite).Refuses("RELEASE_NOT_FOUND", "RELEASE_PUBLISHED");
        releases.MapPost("/{id:long}/publish", (long id, ReleaseOperations operations, PublishRequest? wanted) =>
                operations.Publish(id, Times.Read(wanted?.PublishedAt, "/published_at", endOfDay: false)))
            .WithName("publishRelease").WithSummary("Publish a release, now or at a time").Needs(Permission.ProductsWrite)
            .Refuses("RELEASE_NOT_FOUND", "RELEASE_PUBLISHED", "RELEASE_YANKED", "RELEASE_WITHOUT_FILE");
        releases.MapPost("/{id:long}/yank", (long id, ReleaseOperations operations) => operations.Yank(id))
            .WithName("yankRelease").WithSummary("Take a release back: nobody can have it any more, by links that are out neither").Needs(Permission.ProductsWrite).Refuses("RELEASE_NOT_FOUND", "RELEASE_NOT_PUBLISHED");
        releases.MapPost("/{id:long}/unyank", (long id, ReleaseOperations operations) => operations.Unyank(id))
            .WithName("unyankRelease").WithSummary("As if it had never been yanked").Needs(Permission.ProductsWrite).Refuses("RELEASE_NOT_FOUND", "RELEASE_NOT_PUBLISHED");
        releases.MapPut("/{id:long}/files/{fileName}", AddFile).WithMetadata(new StreamsBody())
            .WithName("addReleaseFile").WithSummary("Add a file to a release: the request body, as it is").Needs(Permission.ProductsWrite)
            .Refuses("RELEASE_NOT_FOUND", "RELEASE_YANKED", "ARTIFACT_EXISTS", "FILE_TOO_LARGE", "NO_SPACE");
        releases.MapDelete("/files/{id:long}", (long id, ReleaseOperations operations) => operations.RemoveArtifact(id))
            .WithName("removeReleaseFile").WithSummary("Remove a file, and what lies beside it, from a draft").Needs(Permission.ProductsWrite).Refuses("ARTIFACT_NOT_FOUND", "RELEASE_PUBLISHED");
    }

    static async Task<Created<ReleaseView>> AddFile(long id, string fileName, [AsParameters] FileQuery query, HttpContext context, StoreArtifact store, Settings settings)
    {
        var upload = Uploads.Of(context, fileName, settings) with { Platform = query.Platform, Arch = query.Arch, Kind = query.Kind, BesideId = query.BesideId };
        return TypedResults.Created($"/api/admin/releases/{id}", await store.Attach(id, upload, null, context.RequestAborted));
    }
}
