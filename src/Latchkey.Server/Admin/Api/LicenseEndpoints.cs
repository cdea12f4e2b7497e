using Latchkey.Server.Activity;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Downloads;
using Latchkey.Server.Licenses;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

static class LicenseEndpoints
{
    public static void Map(RouteGroupBuilder licenses)
    {
        licenses.MapGet("/", List).WithName("listLicenses").WithSummary("List licenses, without their keys").Needs(Permission.LicensesRead).SortedBy("-id", "id", "expires_at", "-expires_at").Heavy();
        licenses.MapPost("/", Issue).WithName("issueLicense").WithSummary("Issue a license; answers its key").Needs(Permission.LicensesWrite).Refuses("PRODUCT_NOT_FOUND", "PRODUCT_ARCHIVED", "KEY_EXISTS");
        licenses.MapPost("/batch", IssueMany).WithName("issueLicenses").WithSummary("Issue many licenses alike; answers their keys").Needs(Permission.LicensesWrite).Refuses("PRODUCT_NOT_FOUND", "PRODUCT_ARCHIVED");
        licenses.MapPost("/suspend", (LicenseIdsRequest wanted, BulkLicenses operations) => operations.Suspend(wanted.Ids))
            .WithName("suspendLicenses").WithSummary("Suspend many licenses").Needs(Permission.LicensesSupport);
        licenses.MapPost("/resume", (LicenseIdsRequest wanted, BulkLicenses operations) => operations.Resume(wanted.Ids))
            .WithName("resumeLicenses").WithSummary("Resume many licenses").Needs(Permission.LicensesSupport);
        licenses.MapGet("/export", Export).WithName("exportLicenses").WithSummary("Licenses as CSV, without their keys").Needs(Permission.LicensesRead)
            .Produces<string>(200, "text/csv");
        licenses.MapGet("/{id:long}", (long id, LicenseOperations operations) => operations.Show(id))
            .WithName("getLicense").WithSummary("Show a license, without its key").Needs(Permission.LicensesRead).Refuses("LICENSE_NOT_FOUND");
        licenses.MapPatch("/{id:long}", Edit).WithName("editLicense").WithSummary("Change a license; what is left out stays").Needs(Permission.LicensesWrite).Refuses("LICENSE_NOT_FOUND", "DOMAINS_BOUND");
        MapActions(licenses.MapGroup("/{id:long}"));
    }

    static void MapActions(RouteGroupBuilder license)
    {
        license.MapPost("/suspend", (long id, LicenseOperations operations) => operations.Suspend(id))
            .WithName("suspendLicense").WithSummary("Refuse it, until it is resumed").Needs(Permission.LicensesSupport).Refuses("LICENSE_NOT_FOUND", "LICENSE_REVOKED");
        license.MapPost("/resume", (long id, LicenseOperations operations) => operations.Resume(id))
            .WithName("resumeLicense").WithSummary("Take a suspension back").Needs(Permission.LicensesSupport).Refuses("LICENSE_NOT_FOUND", "LICENSE_REVOKED");
        license.MapPost("/revoke", (long id, LicenseOperations operations) => operations.Revoke(id))
            .WithName("revokeLicense").WithSummary("Refuse it for good").Needs(Permission.LicensesWrite).Refuses("LICENSE_NOT_FOUND");
        license.MapPost("/rotate", (long id, LicenseOperations operations, RotateRequest? wanted) => operations.Rotate(id, Overlap(wanted)))
            .WithName("rotateLicense").WithSummary("Give it a new key; answers it").Needs(Permission.LicensesSupport).Refuses("LICENSE_NOT_FOUND", "LICENSE_REVOKED");
        license.MapPost("/reveal", (long id, LicenseOperations operations) => operations.Reveal(id))
            .WithName("revealLicense").WithSummary("Show a license with its key; the audit trail notes it").Needs(Permission.LicensesReveal).Refuses("LICENSE_NOT_FOUND");
        license.MapPost("/domains", (long id, BindRequest wanted, LicenseOperations operations) => operations.Bind(id, wanted.Domain))
            .WithName("bindDomain").WithSummary("Add a domain").Needs(Permission.LicensesSupport).Refuses("LICENSE_NOT_FOUND", "DOMAIN_LIMIT_REACHED");
        license.MapPost("/rebind", (long id, RebindRequest wanted, LicenseOperations operations) => operations.Rebind(id, wanted.From, wanted.To))
            .WithName("rebindLicense").WithSummary("Put one domain in the place of another").Needs(Permission.LicensesSupport).Refuses("LICENSE_NOT_FOUND", "DOMAIN_NOT_BOUND");
        license.MapDelete("/domains/{domain}", (long id, string domain, LicenseOperations operations) => operations.Unbind(id, domain))
            .WithName("unbindDomain").WithSummary("Take a domain away").Needs(Permission.LicensesSupport).Refuses("LICENSE_NOT_FOUND", "DOMAIN_NOT_BOUND");
        license.MapGet("/activity", (long id, Statistics statistics, [AsParameters] Paging page) => statistics.LicenseActivity(id, page.Request))
            .WithName("getLicenseActivity").WithSummary("What was asked with this license, the newest first").Needs(Permission.LicensesRead).SortedBy("-last_at").Refuses("LICENSE_NOT_FOUND").Heavy();
        license.MapPost("/download-tokens", MakeLink).WithName("createDownloadToken").WithSummary("Make a one-time download link for the customer").Needs(Permission.DownloadsWrite).Refuses("LICENSE_NOT_FOUND", "LICENSE_NOT_ACTIVE", "NO_DOWNLOADABLE_FILE", "RELEASE_NOT_FOUND", "NOT_ENTITLED");
    }

    static Page<LicenseView> List(LicenseList list, [AsParameters] LicenseQuery query, [AsParameters] Paging page) => list.Read(query.Filter, page.Request);

    static Created<LicenseView> Issue(IssueLicenseRequest wanted, LicenseOperations operations)
    {
        var license = operations.Issue(new IssueLicense(
            wanted.ProductId, wanted.Domains ?? [], wanted.MaxDomains, wanted.UserId, Times.Read(wanted.ExpiresAt, "/expires_at", endOfDay: true), wanted.LicenseKey,
            Times.Read(wanted.UpdatesUntil, "/updates_until", endOfDay: true), wanted.Channel));
        return TypedResults.Created($"/api/admin/licenses/{license.Id}", license);
    }

    static Created<IssuedKeys> IssueMany(IssueManyRequest wanted, BulkLicenses operations) => TypedResults.Created("/api/admin/licenses", operations.Issue(new IssueMany(
        wanted.ProductId, wanted.Count, wanted.MaxDomains, wanted.UserId, Times.Read(wanted.ExpiresAt, "/expires_at", endOfDay: true),
        Times.Read(wanted.UpdatesUntil, "/updates_until", endOfDay: true), wanted.Channel)));

    static LicenseView Edit(long id, EditLicenseRequest edit, LicenseOperations operations) => operations.Edit(id, new EditLicense(
        edit.MaxDomains, edit.UserId, Times.Read(edit.ExpiresAt, "/expires_at", endOfDay: true), edit.ExpiresAt is "", edit.NoUser,
        Times.Read(edit.UpdatesUntil, "/updates_until", endOfDay: true), edit.UpdatesUntil is "", edit.Channel));

    static TimeSpan Overlap(RotateRequest? wanted) => wanted?.OverlapHours switch
    {
        null => TimeSpan.Zero,
        >= 0 and <= 100_000 and var hours => TimeSpan.FromHours(hours),
        _ => throw OperationException.Invalid("/overlap_hours", $"The overlap must be 0 to {LicenseOperations.MaxOverlap.TotalHours} hours."),
    };

    static Created<DownloadLink> MakeLink(long id, HttpContext context, DownloadOperations operations, Settings settings, CreateLinkRequest? wanted) =>
        TypedResults.Created("/api/admin/download-tokens", operations.Create(
            id, settings.HomeOf(context.Request), settings.Downloads.TokenLifetime, (wanted ?? new CreateLinkRequest()).Wish));

    static Task<PushStreamHttpResult> Export(LicenseList list, HttpContext context, [AsParameters] LicenseQuery query) =>
        Csv.File(context, "licenses.csv", LicenseCsv.Of(list.Export(query.Filter)));
}
