using System.Collections.Frozen;

namespace Latchkey.Server.Admin.Access;

/// <summary>
/// What somebody may do: the scopes of an API key, and what an operator's role is made of. Whatever is
/// not given is denied.
/// </summary>
static class Permission
{
    public const string ProductsRead = "products:read";

    /// <summary>Products and their files.</summary>
    public const string ProductsWrite = "products:write";

    public const string LicensesRead = "licenses:read";

    /// <summary>Issue, edit, revoke.</summary>
    public const string LicensesWrite = "licenses:write";

    /// <summary>What helps a customer: suspend, resume, rotate, bind, unbind.</summary>
    public const string LicensesSupport = "licenses:support";

    /// <summary>See a key in full.</summary>
    public const string LicensesReveal = "licenses:reveal";

    public const string CustomersRead = "customers:read";
    public const string CustomersWrite = "customers:write";

    /// <summary>Download links: who has one, and how far it got.</summary>
    public const string DownloadsRead = "downloads:read";

    /// <summary>Make a download link for a customer, and revoke one.</summary>
    public const string DownloadsWrite = "downloads:write";

    public const string OperatorsRead = "operators:read";
    public const string OperatorsWrite = "operators:write";
    public const string ApiKeysRead = "api-keys:read";
    public const string ApiKeysWrite = "api-keys:write";
    public const string AuditRead = "audit:read";
    public const string StatisticsRead = "statistics:read";
    public const string SettingsRead = "settings:read";

    static readonly string[] Reads = [ProductsRead, LicensesRead, CustomersRead, DownloadsRead, StatisticsRead];

    static readonly string[] Supports = [.. Reads, LicensesSupport, LicensesReveal, DownloadsWrite];

    static readonly string[] Manages = [.. Supports, ProductsWrite, LicensesWrite, CustomersWrite];

    static readonly string[] Owns = [.. Manages, OperatorsRead, OperatorsWrite, ApiKeysRead, ApiKeysWrite, AuditRead, SettingsRead];

    static readonly FrozenDictionary<Role, FrozenSet<string>> ByRole = new Dictionary<Role, FrozenSet<string>>
    {
        [Role.Viewer] = Reads.ToFrozenSet(),
        [Role.Support] = Supports.ToFrozenSet(),
        [Role.Manager] = Manages.ToFrozenSet(),
        [Role.Owner] = Owns.ToFrozenSet(),
    }.ToFrozenDictionary();

    public static IReadOnlyList<string> All { get; } = Owns;

    public static IReadOnlySet<string> Of(Role role) => ByRole[role];
}

/// <summary>What an operator is in the business; each may do all that those before it may.</summary>
enum Role
{
    /// <summary>Looks.</summary>
    Viewer = 0,

    /// <summary>Looks, resends, rotates, rebinds, suspends.</summary>
    Support = 1,

    /// <summary>Products, files, licenses, customers.</summary>
    Manager = 2,

    /// <summary>Everything.</summary>
    Owner = 3,
}
