using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace Latchkey.Faults;

/// <summary>An answer that is the right one.</summary>
sealed record Verdict(int Status, string? Code)
{
    public static readonly Verdict Valid = new(200, null);

    public bool Is(Reply reply) => (reply.Status, reply.Code) == (Status, Code);
}

/// <summary>What a client asks, and what must be answered.</summary>
sealed class Case(string key, string domain, int product, Verdict? verdict)
{
    volatile Verdict? _verdict = verdict;

    public string Key => key;
    public string Domain => domain;
    public int Product => product;

    /// <summary>Null while it is being changed. Each change makes a new one, so that a request can tell whether it was overtaken.</summary>
    public Verdict? Verdict
    {
        get => _verdict;
        set => _verdict = value;
    }
}

/// <summary>Licenses of every kind, and two files: one that is handed over in one piece, and one that no buffer on the way swallows.</summary>
sealed class Shop
{
    const int Licenses = 40;
    const int OfTheLargeFile = 5;
    static readonly Verdict Unknown = new(401, "INVALID_LICENSE");

    readonly byte[][] _files = [RandomNumberGenerator.GetBytes(20_000), RandomNumberGenerator.GetBytes(20_000_000)];

    public IReadOnlyList<Case> Good { get; } = [.. Enumerable.Range(0, Licenses).Select(i => new Case($"FAULTS_GOOD{i:0000000000}", $"site{i}.example", i < Licenses - OfTheLargeFile ? 1 : 2, Verdict.Valid))];
    public IReadOnlyList<Case> Flipped { get; } = [.. Enumerable.Range(0, 3).Select(i => new Case($"FAULTS_FLIP{i:0000000000}", $"flip{i}.example", 1, Verdict.Valid))];
    public IReadOnlyList<Case> All { get; private set; } = [];
    public string ApiKey { get; private set; } = "";

    /// <summary>An import gives ids in the order of its lines.</summary>
    public long IdOfFlipped(int number) => Good.Count + number + 1;

    public byte[] FileOf(Case asked) => _files[asked.Product - 1];

    public async Task Fill(Stage stage)
    {
        for (var product = 1; product <= 2; product++)
        {
            var id = product.ToString(CultureInfo.InvariantCulture);
            await stage.Command("product", "add", "--id", id, "--name", $"Product {id}", "--prefix", $"FAULTS{id}");
            await stage.Command("product", "publish", "--product", id, "--file", stage.Write($"product-{id}.zip", _files[product - 1]));
        }

        var lines = Good.Concat(Flipped).Select(good => $"{good.Product},{good.Key},{good.Domain},7,").ToList();
        lines.Add("1,FAULTS_OLD00000000000,old.example,7,2020-01-01");
        lines.Add("1,FAULTS_SUSPENDED00000,suspended.example,7,");
        await stage.Command("license", "import", "--file", stage.Write("licenses.csv", [.. lines.Prepend("product_id,license_key,domain,user_id,expires_at").SelectMany(line => System.Text.Encoding.ASCII.GetBytes(line + "\n"))]));
        await stage.Command("license", "suspend", "FAULTS_SUSPENDED00000");
        await stage.Command("license", "issue", "--product", "1", "--key", "FAULTS_MANY0000000000", "--max-domains", "200");
        var made = await stage.Command("api-key", "add", "--name", "faults", "--scope", "licenses:support", "--json");
        ApiKey = JsonDocument.Parse(made).RootElement.EnumerateObject().First(property => property.Value.ValueKind == JsonValueKind.String && property.Value.GetString()!.Length > 30).Value.GetString()!;
        All = [.. Cases()];
    }

    /// <summary>Mostly good ones; among them each way to be refused, and domains that a license has yet to be bound to.</summary>
    IEnumerable<Case> Cases()
    {
        for (var i = 0; i < 200; i++)
        {
            yield return Good[i % Good.Count];
            yield return (i % 10) switch
            {
                0 => new Case("FAULTS_OLD00000000000", "old.example", 1, new Verdict(403, "LICENSE_EXPIRED")),
                1 => new Case("FAULTS_SUSPENDED00000", "suspended.example", 1, new Verdict(403, "LICENSE_INACTIVE")),
                2 => new Case(Good[0].Key, "other.example", 1, new Verdict(403, "DOMAIN_MISMATCH")),
                3 => new Case(Good[0].Key, Good[0].Domain, 2, new Verdict(403, "PRODUCT_ID_MISMATCH")),
                4 => new Case("FAULTS_NOSUCHKEY00000", "site1.example", 1, Unknown),
                5 or 6 => new Case("FAULTS_MANY0000000000", $"many{i}.example", 1, Verdict.Valid),
                _ => Flipped[i % Flipped.Count],
            };
        }
    }
}
