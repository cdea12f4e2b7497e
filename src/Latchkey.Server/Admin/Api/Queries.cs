using System.ComponentModel;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Downloads;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Mvc;

namespace Latchkey.Server.Admin.Api;

/// <summary>Which licenses.</summary>
sealed class LicenseQuery
{
    [FromQuery(Name = "q"), Description("A number, a whole key or its last four characters, a domain or its beginning; with customers:read also a part of a customer's name, e-mail address or reference")]
    public string? Search { get; init; }

    [FromQuery(Name = "product_id")]
    public long? ProductId { get; init; }

    [FromQuery(Name = "user_id"), Description("The customer's number")]
    public long? UserId { get; init; }

    [FromQuery(Name = "domain"), Description("Bound to this domain")]
    public string? Domain { get; init; }

    [FromQuery(Name = "state"), Description("active, suspended, revoked or expired")]
    public string? State { get; init; }

    [FromQuery(Name = "expires_before"), Description("A date or a time")]
    public string? ExpiresBefore { get; init; }

    internal LicenseFilter Filter => new(Search, ProductId, UserId, Domain, State, Times.Read(ExpiresBefore, "expires_before", endOfDay: false));
}

/// <summary>Which releases of a product.</summary>
sealed class ProductReleaseQuery
{
    [FromQuery(Name = "channel")]
    public string? Channel { get; init; }

    [FromQuery(Name = "state"), Description("draft, scheduled, published or yanked")]
    public string? State { get; init; }
}

/// <summary>Which releases.</summary>
sealed class ReleaseQuery
{
    [FromQuery(Name = "product_id")]
    public long? ProductId { get; init; }

    [FromQuery(Name = "channel")]
    public string? Channel { get; init; }

    [FromQuery(Name = "state"), Description("draft, scheduled, published or yanked")]
    public string? State { get; init; }

    internal ReleaseFilter Filter => new(ProductId, Channel, State);
}

/// <summary>What a file of a release is.</summary>
sealed class FileQuery
{
    [FromQuery(Name = "platform"), Description("As windows; none: for all")]
    public string? Platform { get; init; }

    [FromQuery(Name = "arch"), Description("As arm64; none: for all")]
    public string? Arch { get; init; }

    [FromQuery(Name = "kind"), Description("file (usual), or what lies beside one: signature, sbom")]
    public string? Kind { get; init; }

    [FromQuery(Name = "beside_id"), Description("Of a signature or sbom: the file that it belongs to, where the release has several")]
    public long? BesideId { get; init; }
}

/// <summary>Which download links.</summary>
sealed class DownloadQuery
{
    [FromQuery(Name = "license_id")]
    public long? LicenseId { get; init; }

    [FromQuery(Name = "product_id")]
    public long? ProductId { get; init; }

    [FromQuery(Name = "state"), Description("issued, in_progress, interrupted, handed_over, finished, expired or revoked")]
    public string? State { get; init; }

    internal DownloadFilter Filter => new(LicenseId, ProductId, State);
}

/// <summary>Which entries of the audit trail.</summary>
sealed class AuditQuery
{
    [FromQuery(Name = "q"), Description("A part of the actor's name, of the action or of an address; a whole object id or request id")]
    public string? Search { get; init; }

    [FromQuery(Name = "actor"), Description("The actor's whole name")]
    public string? Actor { get; init; }

    [FromQuery(Name = "action"), Description("license.rotate, or license for all that was done with licenses")]
    public string? Action { get; init; }

    [FromQuery(Name = "object_kind")]
    public string? ObjectKind { get; init; }

    [FromQuery(Name = "object_id")]
    public string? ObjectId { get; init; }

    [FromQuery(Name = "from"), Description("A date or a time")]
    public string? From { get; init; }

    [FromQuery(Name = "to"), Description("A date (through its end) or a time")]
    public string? To { get; init; }

    internal AuditFilter Filter => new(Search, Actor, Action, ObjectKind, ObjectId, Times.Read(From, "from", endOfDay: false), Times.Read(To, "to", endOfDay: true));
}
