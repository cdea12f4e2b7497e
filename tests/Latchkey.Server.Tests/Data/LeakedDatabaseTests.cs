using System.Security.Cryptography;
using System.Text;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.DataDirectories;

public sealed class LeakedDatabaseTests
{
    [Fact]
    public async Task A_copy_of_the_database_holds_no_key_no_token_and_no_secret()
    {
        using var shop = new Shop();
        await shop.Do("product", "add", "--name", "Findable-Name", "--prefix", "PLUG");
        await shop.Publish(1, "content"u8.ToArray());
        var canaries = new List<string>();
        var issued = (await shop.Issue(1, "--domain", "example.com")).Key();
        var brought = (await shop.Issue(1, "--domain", "example.com", "--key", "BROUGHT-Canary-0001")).Key();
        await shop.Do("license", "import", "--file", shop.File("import.csv", "product_id,license_key,domain,user_id\n1,IMPORTED-Canary-0001,example.com,\n"));
        var rotatedAway = (await shop.Issue(1, "--domain", "example.com")).Key();

        await using var server = await shop.Serve();
        Assert.Equal(200, (await server.Http.Verify(rotatedAway, "example.com", 1)).Status);
        var rotated = (await shop.Do("license", "rotate", rotatedAway)).Key();
        canaries.AddRange([issued, brought, "IMPORTED-Canary-0001", rotatedAway, rotated]);

        // Without the pepper nobody can try keys, for what is stored is not their plain hash.
        canaries.AddRange(canaries.ConvertAll(key => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))));
        canaries.Add((await shop.Do("api-key", "add", "--name", "script", "--scope", "licenses:read")).Text("key"));
        canaries.Add(server.Started.Text("setup_url").Split('/')[^1]);
        foreach (var key in new[] { issued, brought, rotated })
        {
            for (var i = 0; i < 3; i++) canaries.Add((await server.Http.MintPathOf(key, "example.com", 1)).Split('/')[^1]);
        }

        Assert.Equal(200, (await server.Http.Get($"/api/license/download-file/{canaries[^1]}")).Status);
        Assert.Equal(401, (await server.Http.Verify("UNKNOWN-Canary-0001", "example.com", 1)).Status);
        canaries.Add("UNKNOWN-Canary-0001");
        var secrets = Directory.GetFiles(shop.Secrets).Select(file => File.ReadAllText(file).Trim()).ToList();
        canaries.AddRange(secrets);

        var isRunning = Everything(shop);
        Assert.Contains(isRunning, file => file.Name.EndsWith("-wal", StringComparison.Ordinal) && file.Bytes.Length > 0);
        AssertNone(isRunning, canaries);
        Assert.Equal(0, await server.Terminate());
        AssertNone(Everything(shop), canaries);
    }

    /// <summary>Whatever lies in the data directory, but for the secrets.</summary>
    static List<(string Name, byte[] Bytes)> Everything(Shop shop) =>
        [.. Directory.GetFiles(shop.Data, "*", SearchOption.AllDirectories).Where(file => !file.StartsWith(shop.Secrets, StringComparison.Ordinal)).Select(file => (file, File.ReadAllBytes(file)))];

    static void AssertNone(List<(string Name, byte[] Bytes)> files, List<string> canaries)
    {
        Assert.Contains(files, file => file.Bytes.AsSpan().IndexOf("Findable-Name"u8) >= 0);
        foreach (var (name, bytes) in files)
        {
            foreach (var canary in canaries)
            {
                Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(canary)) < 0, $"{name} holds {canary}");
                Assert.True(bytes.AsSpan().IndexOf(Encoding.Unicode.GetBytes(canary)) < 0, $"{name} holds {canary} in UTF-16");
                if (canary.Length == 64) Assert.True(bytes.AsSpan().IndexOf(Convert.FromHexString(canary)) < 0, $"{name} holds the bytes of {canary}");
            }
        }
    }
}
