using Latchkey.Server.Admin.Access;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Products;

/// <summary>Finds releases by what a list says of them.</summary>
sealed class NamedReleases(UnitOfWork work)
{
    /// <returns>The release's number, and whether it is yanked; what is not there is left out.</returns>
    public IReadOnlyDictionary<(long ProductId, string Version), (long Id, bool IsYanked)> Find(IEnumerable<(long ProductId, string Version)> names)
    {
        work.Require(Permission.ProductsRead);
        var wanted = names.ToHashSet();
        var (products, versions) = (wanted.Select(name => name.ProductId).Distinct().ToList(), wanted.Select(name => name.Version).Distinct().ToList());
        return work.Db.Releases.AsNoTracking().Where(r => products.Contains(r.ProductId) && versions.Contains(r.Version))
            .Select(r => new { r.Id, r.ProductId, r.Version, r.State }).AsEnumerable()
            .Where(r => wanted.Contains((r.ProductId, r.Version)))
            .ToDictionary(r => (r.ProductId, r.Version), r => (r.Id, r.State == ReleaseState.Yanked));
    }
}
