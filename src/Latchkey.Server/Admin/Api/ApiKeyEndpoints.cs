using Latchkey.Server.Admin.Access;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

static class ApiKeyEndpoints
{
    public static void Map(RouteGroupBuilder keys)
    {
        keys.MapGet("/", (ApiKeyOperations operations, [AsParameters] Paging page) => operations.List(page.Request))
            .WithName("listApiKeys").WithSummary("List API keys, without the keys themselves").Needs(Permission.ApiKeysRead).SortedBy("-id");
        keys.MapPost("/", Create).WithName("createApiKey").WithSummary("Make an API key; it is answered this once").Needs(Permission.ApiKeysWrite);
        keys.MapGet("/{id:long}", (long id, ApiKeyOperations operations) => operations.Show(id))
            .WithName("getApiKey").WithSummary("Show an API key's scopes and last use").Needs(Permission.ApiKeysRead).Refuses("API_KEY_NOT_FOUND");
        keys.MapPost("/{id:long}/revoke", (long id, ApiKeyOperations operations) => operations.Revoke(id))
            .WithName("revokeApiKey").WithSummary("Make an API key worthless, from the next request on").Needs(Permission.ApiKeysWrite).Refuses("API_KEY_NOT_FOUND");
    }

    static Created<ApiKeyView> Create(CreateApiKeyRequest wanted, ApiKeyOperations operations)
    {
        var key = operations.Add(new NewApiKey(wanted.Name, wanted.Scopes, wanted.Networks, Times.Read(wanted.ExpiresAt, "/expires_at", endOfDay: true)));
        return TypedResults.Created($"/api/admin/api-keys/{key.Id}", key);
    }
}
