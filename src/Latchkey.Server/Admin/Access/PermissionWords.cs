namespace Latchkey.Server.Admin.Access;

/// <summary>A permission, in words.</summary>
/// <param name="Name">As <c>licenses:read</c>.</param>
/// <param name="Allows">What can be done with it.</param>
public sealed record PermissionWord(string Name, string Allows);

/// <summary>Permissions for one kind of thing.</summary>
public sealed record PermissionGroup(string Title, IReadOnlyList<PermissionWord> Permissions);

/// <summary>What each permission allows, for people.</summary>
static class PermissionWords
{
    public static IReadOnlyList<PermissionGroup> Groups { get; } =
    [
        new("Licenses",
        [
            new(Permission.LicensesRead, "See and search licenses, without their keys"),
            new(Permission.LicensesSupport, "Suspend and resume, rotate the key, bind and unbind domains"),
            new(Permission.LicensesWrite, "Issue, import, edit and revoke licenses"),
            new(Permission.LicensesReveal, "See a license key in full; each look is audited"),
        ]),
        new("Customers",
        [
            new(Permission.CustomersRead, "See and search customers"),
            new(Permission.CustomersWrite, "Add and edit customers"),
        ]),
        new("Products",
        [
            new(Permission.ProductsRead, "See products and their published files"),
            new(Permission.ProductsWrite, "Add, edit and archive products, publish files"),
        ]),
        new("Downloads",
        [
            new(Permission.DownloadsRead, "See download links, and how far each got"),
            new(Permission.DownloadsWrite, "Make a download link for a customer, revoke one"),
        ]),
        new("Administration",
        [
            new(Permission.StatisticsRead, "See the figures of the overview"),
            new(Permission.AuditRead, "Read and export the audit trail"),
            new(Permission.OperatorsRead, "See who may sign in"),
            new(Permission.OperatorsWrite, "Invite operators, change roles, disable"),
            new(Permission.ApiKeysRead, "See API keys, without the keys themselves"),
            new(Permission.ApiKeysWrite, "Make and revoke API keys"),
            new(Permission.SettingsRead, "See the settings, and how the server is"),
        ]),
    ];

    public static string Of(Role role) => role switch
    {
        Role.Viewer => "Looks: products, licenses, customers, downloads and figures. Changes nothing, and sees no key.",
        Role.Support => "Helps customers: all that a viewer may, and suspend, resume, rotate and reveal keys, bind domains, make download links.",
        Role.Manager => "Runs the business: all that support may, and products, files, issuing and revoking licenses, customers.",
        _ => "Everything, also operators, API keys, the audit trail and the settings.",
    };
}
