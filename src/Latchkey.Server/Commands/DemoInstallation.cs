using System.IO.Compression;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;

namespace Latchkey.Server.Commands;

/// <summary>A product with a real file and a license, to try things on.</summary>
sealed record DemoInstallation(long ProductId, string LicenseKey, string Domain)
{
    const string ProductName = "Demo Plugin";
    const string DemoDomain = "example.com";

    // The same everywhere, so that the commands in the documentation work as they stand. It opens the demo's file alone.
    const string DemoKey = "DEMO_KZJS5MBF6JI6CZRM";

    /// <summary>Makes it, or finds the one of an earlier start.</summary>
    /// <exception cref="OperationException">The data directory holds something else.</exception>
    public static async Task<DemoInstallation> Make(DataDirectory data, TimeProvider clock)
    {
        using var work = UnitOfWork.Open(data, clock, Actor.System());
        var db = work.Db;
        var products = new ProductOperations(work);
        var licenses = new LicenseOperations(work);
        var product = products.List().FirstOrDefault(p => p.Name == ProductName);
        var isFirst = product is null;
        if (isFirst && db.Products.Any())
        {
            throw new OperationException($"{data.Path} holds products of your own: start the demo elsewhere, with --data ./demo.");
        }

        product ??= products.Add(null, new ProductFields(ProductName, "DEMO", null, null, null));
        if (product.File is null) await new StoreArtifact(work).Publish(product.Id, new ReleaseFields("1.0.0", Notes: "The first release.\n\n- It comes out of Latchkey, once."), new Upload(Zip(), "demo-plugin.zip"));
        var issued = new LicenseList(work).All(new LicenseFilter(ProductId: product.Id, Domain: DemoDomain, State: "active")).FirstOrDefault();
        var license = issued is null
            ? licenses.Issue(new IssueLicense(product.Id, [DemoDomain], UserId: 123, Key: FreeKey(db, data.Secrets)))
            : licenses.Reveal(issued.Id);
        if (isFirst) await new DemoData(work).Make();
        return new DemoInstallation(product.Id, license.LicenseKey!, DemoDomain);
    }

    /// <summary>Null, for a random one, where an earlier demo license was revoked or rotated away from.</summary>
    static string? FreeKey(LatchkeyDb db, Secrets secrets)
    {
        var hash = secrets.Hash(DemoKey);
        return db.Licenses.Any(l => l.KeyHash == hash) ? null : DemoKey;
    }

    public static MemoryStream Zip(string? name = null)
    {
        var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var readme = new StreamWriter(zip.CreateEntry("demo-plugin/README.txt").Open());
            readme.Write($"{(name is null ? "" : name + ". ")}This file came out of Latchkey, once.\n");
        }

        memory.Position = 0;
        return memory;
    }

    /// <summary>Lines to paste: verify, mint, download.</summary>
    public IEnumerable<string> Commands(string url)
    {
        var asked = $"-H \"Authorization: Bearer {LicenseKey}\" -H \"X-Domain: {Domain}\" -H \"X-Product-ID: {ProductId}\"";
        return
        [
            "Is this license good for this domain and this product?",
            "",
            $"  curl -s {asked} {url}/api/license/verify",
            "",
            "A link to its file, good for one download:",
            "",
            $"  curl -s -X POST {asked} {url}/api/license/download",
            "",
            "The file itself, through such a link:",
            "",
            $"  curl -fsS -o demo-plugin.zip \"$(curl -s -X POST {asked} {url}/api/license/download | sed 's/.*\"download_url\":\"\\([^\"]*\\)\".*/\\1/')\"",
            "",
        ];
    }
}
