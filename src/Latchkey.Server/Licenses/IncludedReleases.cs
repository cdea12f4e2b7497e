using Latchkey.Server.Data;
using Latchkey.Server.Products;

namespace Latchkey.Server.Licenses;

/// <summary>Which of its product's releases a license may have, for people who help its customer.</summary>
static class IncludedReleases
{
    const int Most = 100;

    /// <summary>Published ones, the newest version first; a hundred at the most.</summary>
    public static IReadOnlyList<ReleaseView> Of(ReleaseOperations releases, LicenseView license)
    {
        var found = new List<ReleaseView>();
        for (var page = new PageRequest(Limit: PageRequest.MaxLimit); ;)
        {
            var part = releases.List(new ReleaseFilter(license.ProductId, State: "published"), page);
            found.AddRange(part.Items.Where(release => Includes(license, release)).Take(Most - found.Count));
            if (part.NextCursor is null || found.Count == Most) return found;
            page = page with { Cursor = part.NextCursor };
        }
    }

    /// <summary>Both times are UTC in the wire's one form, in which they compare as text.</summary>
    static bool Includes(LicenseView license, ReleaseView release) =>
        Channel.Includes(license.Channel, release.Channel)
        && (license.UpdatesUntil is null || string.CompareOrdinal(release.PublishedAt, license.UpdatesUntil) <= 0);
}
