using Latchkey.Server.Admin.Access;
using Latchkey.Server.Downloads;

namespace Latchkey.Server.Admin.Api;

static class DownloadEndpoints
{
    public static void Map(RouteGroupBuilder tokens)
    {
        tokens.MapGet("/", (DownloadOperations operations, [AsParameters] DownloadQuery query, [AsParameters] Paging page) => operations.List(query.Filter, page.Request))
            .WithName("listDownloadTokens").WithSummary("List download links: who has one, and how far it got").Needs(Permission.DownloadsRead).SortedBy("-id").Heavy();
        tokens.MapGet("/{id:long}", (long id, DownloadOperations operations) => operations.Show(id))
            .WithName("getDownloadToken").WithSummary("Show a download link's progress").Needs(Permission.DownloadsRead).Refuses("DOWNLOAD_TOKEN_NOT_FOUND");
        tokens.MapPost("/{id:long}/revoke", (long id, DownloadOperations operations) => operations.Revoke(id))
            .WithName("revokeDownloadToken").WithSummary("Make a download link worthless").Needs(Permission.DownloadsWrite).Refuses("DOWNLOAD_TOKEN_NOT_FOUND", "DOWNLOAD_FINISHED");
    }
}
