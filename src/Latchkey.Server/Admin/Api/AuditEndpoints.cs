using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

static class AuditEndpoints
{
    public static void Map(RouteGroupBuilder audit)
    {
        audit.MapGet("/", List).WithName("listAudit").WithSummary("Who did what, on what, when, from where").Needs(Permission.AuditRead).SortedBy("-id", "id").Heavy();
        audit.MapGet("/export", Export).WithName("exportAudit").WithSummary("The audit trail as CSV").Needs(Permission.AuditRead).Produces<string>(200, "text/csv");
    }

    static Page<AuditEntryView> List(AuditTrail trail, [AsParameters] AuditQuery query, [AsParameters] Paging page) => trail.List(query.Filter, page.Request);

    static Task<PushStreamHttpResult> Export(AuditTrail trail, HttpContext context, [AsParameters] AuditQuery query) => Csv.File(context, "audit.csv", trail.Export(query.Filter));
}

/// <summary>Who asks.</summary>
/// <param name="Kind"><c>operator</c> or <c>api_key</c>.</param>
sealed record AccountView(string Kind, long? Id, string Name, IReadOnlyList<string> Permissions);

static class AccountEndpoints
{
    public static void Map(RouteGroupBuilder admin) =>
        admin.MapGet("/me", (AdminRequest request) => View(request.Actor!)).WithTags("Account")
            .WithName("getAccount").WithSummary("Who this API key is, and what it may do").Needs("");

    static AccountView View(Actor actor) =>
        new(actor.Kind == ActorKind.ApiKey ? "api_key" : "operator", actor.Id, actor.Name, [.. actor.Permissions.Order(StringComparer.Ordinal)]);
}
