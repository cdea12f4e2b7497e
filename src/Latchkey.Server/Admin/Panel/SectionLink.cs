using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Routing;

namespace Latchkey.Server.Admin.Panel;

/// <summary>An entry of the menu: also on pages that belong to it and lie elsewhere.</summary>
public sealed class SectionLink : NavLink
{
    [Inject] NavigationManager Navigation { get; set; } = null!;

    /// <summary>The beginning of those addresses, below the panel's.</summary>
    [Parameter] public string? Also { get; set; }

    protected override bool ShouldMatch(string uriAbsolute) =>
        base.ShouldMatch(uriAbsolute) || (Also is not null && Navigation.ToBaseRelativePath(uriAbsolute).StartsWith(Also, StringComparison.Ordinal));
}
