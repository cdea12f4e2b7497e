using System.Globalization;
using System.Security.Cryptography;

namespace Latchkey.Bench;

/// <summary>Data directories made by the operator's own commands, kept for the next run and copied for each use.</summary>
static class Seed
{
    public const long LargeProduct = 1;
    public const long HugeProduct = 2;
    const long HugeSize = 1_000_000_000;
    const int LinesPerFile = 250_000;
    const int Drawn = 200_000;

    /// <summary>One product with a file of 64 KB and <paramref name="licenses"/> licenses, fresh for this use.</summary>
    public static async Task<string> Licenses(Stage stage, int licenses, string use, CancellationToken stop)
    {
        var seed = await Once(stage, $"seed-{licenses}", data => FillWithLicenses(stage, data, licenses, stop));
        return await Copy(stage, seed, use, stop);
    }

    /// <summary>A product with 100 MB and one with 1 GB, 100 licenses each (0 to 99 and 100 to 199).</summary>
    public static Task<string> Files(Stage stage, CancellationToken stop) =>
        Once(stage, "seed-files", async data =>
        {
            await Publish(stage, data, LargeProduct, 100_000_000, stop);
            await Publish(stage, data, HugeProduct, HugeSize, stop);
            File.Delete(RandomFile(stage, HugeSize));
            await Import(stage, data, Enumerable.Range(0, 200).Select(i => SeededLicense.Number(i, i < 100 ? LargeProduct : HugeProduct)), stop);
        });

    /// <summary>A file for wrk, of keys drawn at random from all.</summary>
    public static string Keys(Stage stage, int licenses)
    {
        var path = stage.At($"keys-{licenses}.txt");
        File.WriteAllLines(path, Draw(licenses, Drawn).Select(license => $"{license.Key} {license.Domain} {license.Product}"));
        return path;
    }

    public static IEnumerable<SeededLicense> Draw(int licenses, int count)
    {
        var start = (ulong)RandomNumberGenerator.GetInt32(int.MaxValue);
        for (var i = 0; i < count; i++) yield return SeededLicense.Number((long)(SeededLicense.Mix(start + (ulong)i) % (ulong)licenses));
    }

    /// <summary>A file of that many random bytes, in a directory that nginx serves too.</summary>
    public static string RandomFile(Stage stage, long bytes)
    {
        Directory.CreateDirectory(stage.At("files"));
        var path = stage.At("files", $"file-{bytes}.zip");
        if (File.Exists(path) && new FileInfo(path).Length == bytes) return path;
        var block = RandomNumberGenerator.GetBytes(1_000_000);
        using var file = File.Create(path);
        for (var left = bytes; left > 0; left -= block.Length) file.Write(block, 0, (int)Math.Min(block.Length, left));
        return path;
    }

    static async Task FillWithLicenses(Stage stage, string data, int licenses, CancellationToken stop)
    {
        await Publish(stage, data, 1, 64 * 1024, stop);
        for (var from = 0; from < licenses; from += LinesPerFile)
        {
            var count = Math.Min(LinesPerFile, licenses - from);
            await Import(stage, data, Enumerable.Range(from, count).Select(i => SeededLicense.Number(i)), stop);
            Say.Line($"  seeded {from + count:N0} of {licenses:N0}");
        }
    }

    static async Task Publish(Stage stage, string data, long product, long bytes, CancellationToken stop)
    {
        var id = product.ToString(CultureInfo.InvariantCulture);
        await stage.Command(data, stop, "product", "add", "--id", id, "--name", "Your Product Name", "--prefix", $"BENCH{id}");
        await stage.Command(data, stop, "product", "publish", "--product", id, "--file", RandomFile(stage, bytes));
    }

    static async Task Import(Stage stage, string data, IEnumerable<SeededLicense> licenses, CancellationToken stop)
    {
        var csv = stage.At("licenses.csv");
        File.WriteAllLines(csv, licenses.Select(license => $"{license.Product},{license.Key},{license.Domain},123").Prepend("product_id,license_key,domain,user_id"));
        await stage.Command(data, stop, "license", "import", "--file", csv);
        File.Delete(csv);
    }

    /// <summary>Made again when the database's shape has changed.</summary>
    static async Task<string> Once(Stage stage, string name, Func<string, Task> fill)
    {
        var (data, stamp) = (stage.At(name), stage.At(name + ".stamp"));
        var shape = Shape(stage);
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == shape) return data;
        Say.Line($"  seeding {name} …");
        File.Delete(stamp);
        if (Directory.Exists(data)) Directory.Delete(data, recursive: true);
        await fill(data);
        await File.WriteAllTextAsync(stamp, shape);
        return data;
    }

    static string Shape(Stage stage)
    {
        var migrations = Path.Combine(stage.Options.Root, "src", "Latchkey.Server", "Data", "Migrations");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Directory.EnumerateFiles(migrations, "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal)) hash.AppendData(File.ReadAllBytes(file));
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    static async Task<string> Copy(Stage stage, string seed, string use, CancellationToken stop)
    {
        var copy = stage.At("run-" + use);
        if (Directory.Exists(copy)) Directory.Delete(copy, recursive: true);
        await Child.Output("cp", ["-a", "--reflink=auto", seed, copy], stop);
        // Else the kernel writes the copy out while commits are measured.
        await Child.Output("sync", ["-f", copy], stop);
        return copy;
    }
}
