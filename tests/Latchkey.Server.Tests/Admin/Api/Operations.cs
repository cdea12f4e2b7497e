using System.Text.Json;
using System.Text.Json.Nodes;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Customers;
using Latchkey.Server.Downloads;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.ApiDocs;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>How to ask for each operation so that it is done, in a shop where there is one of everything.</summary>
static class Operations
{
    /// <summary>What the document's own example does not do here.</summary>
    static readonly Dictionary<string, string> Bodies = new()
    {
        ["createCustomer"] = """{"id":124,"name":"Grace"}""",
        ["issueLicenses"] = """{"product_id":1,"count":2}""",
        ["rebindLicense"] = """{"from":"example.com","to":"www.example.com"}""",
        ["createDownloadToken"] = """{"version":"1.0.0"}""",
        ["suspendLicenses"] = """{"ids":[1]}""",
        ["resumeLicenses"] = """{"ids":[1]}""",
    };

    /// <summary>Product 1 with release 1 published and release 2 a draft, a file each, customer 123, license 1 on one of two domains, download link 1, API key 1.</summary>
    public static async Task<TestServer> Shop(params (string, string)[] settings)
    {
        var server = await TestServer.Run(settings);
        server.AddProduct();
        server.Publish(1, [1, 2, 3]);
        server.Draft(1, "2.0.0", [4, 5, 6]);
        server.Work(work => new CustomerOperations(work).Add(123, new CustomerFields("Ada")));
        server.Operate(licenses => licenses.Issue(new IssueLicense(1, ["example.com"], 2)));
        server.Work(work => new DownloadOperations(work).Create(1, server.Url, TimeSpan.FromDays(1)));
        server.MakeKey([Permission.AuditRead]);
        server.WithDb(db =>
        {
            foreach (var (id, role) in ((int, Role)[])[(1, Role.Owner), (2, Role.Owner)])
            {
                db.Add(new Operator { Id = id, Email = $"o{id}@example.com", UserName = $"o{id}@example.com", NormalizedEmail = $"O{id}@EXAMPLE.COM", NormalizedUserName = $"O{id}@EXAMPLE.COM", Role = role, CreatedAt = TestServer.Start });
            }

            return db.SaveChanges();
        });
        server.Work(work => new OperatorOperations(work).Invite("carol@example.com", Role.Viewer, server.Url));
        return server;
    }

    public static async Task<IReadOnlyList<Operation>> All(TestServer server) => (await ApiDocument.Of(server, "admin")).Operations;

    /// <summary>Has something done for each operation. What takes something away does so in a shop of its own.</summary>
    public static async Task Each(Func<Operation, bool> which, Func<TestServer, Operation, Task> act)
    {
        await using var shared = await Shop();
        foreach (var operation in (await All(shared)).Where(which))
        {
            var takesAway = TakingAway.Any(word => operation.Id.StartsWith(word, StringComparison.Ordinal));
            await using var own = takesAway ? await Shop() : null;
            await act(own ?? shared, operation);
        }
    }

    static readonly string[] TakingAway = ["revoke", "delete", "archive", "disable", "withdraw", "yank", "publishRelease", "removeReleaseFile"];

    /// <summary>What can be done with a draft alone.</summary>
    static readonly string[] OfDraft = ["deleteRelease", "publishRelease", "removeReleaseFile"];

    public static string Path(this Operation operation, string? id = null)
    {
        var path = operation.Path[AdminClient.Root.Length..];
        var usual = path.StartsWith("/customers", StringComparison.Ordinal) ? 123 : path.StartsWith("/operators/{id}", StringComparison.Ordinal) || OfDraft.Contains(operation.Id) ? 2 : 1;
        if (operation.Id == "addReleaseFile") path += "?platform=linux";
        return path.Replace("{id}", id ?? $"{usual}").Replace("{domain}", "example.com").Replace("{fileName}", "new.zip");
    }

    public static bool TakesFile(this Operation operation) => operation.Body()?.TryGetProperty("*/*", out _) == true;

    public static bool TakesJson(this Operation operation) => operation.Body()?.TryGetProperty("application/json", out _) == true;

    static JsonElement? Body(this Operation operation) => operation.Json.TryGetProperty("requestBody", out var body) ? body.GetProperty("content") : null;

    public static object? Example(this Operation operation) =>
        operation.TakesFile() ? File([1, 2, 3, 4])
        : !operation.TakesJson() ? null
        : Bodies.GetValueOrDefault(operation.Id) ?? operation.Body()!.Value.GetProperty("application/json").GetProperty("example").GetRawText();

    static ByteArrayContent File(byte[] bytes)
    {
        var content = new ByteArrayContent(bytes);
        var (name, digest) = Digest(bytes);
        content.Headers.Add(name, digest);
        return content;
    }

    public static (string Name, string Value) Digest(byte[] file) => ("Repr-Digest", $"sha-256=:{Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(file))}:");

    public static JsonObject ExampleObject(this Operation operation) => JsonNode.Parse((string)operation.Example()!)!.AsObject();

    public static JsonElement Schema(this Operation operation, ApiDocument document)
    {
        var schema = document.Resolve(operation.Body()!.Value.GetProperty("application/json").GetProperty("schema"));
        return schema.TryGetProperty("oneOf", out var options) ? document.Resolve(options.EnumerateArray().Last()) : schema;
    }

    /// <summary>Its parameters in the query string: names and schemas.</summary>
    public static IEnumerable<(string Name, JsonElement Schema)> Query(this Operation operation, ApiDocument document) =>
        operation.Json.GetProperty("parameters").EnumerateArray().Select(document.Resolve).Where(p => p.GetProperty("in").GetString() == "query").Select(p => (p.GetProperty("name").GetString()!, p.GetProperty("schema")));

    public static bool IsWrite(this Operation operation) => operation.Method != "GET";

    public static bool HasId(this Operation operation) => operation.Path.Contains("{id}", StringComparison.Ordinal);

    public static Task<Reply> Do(this AdminClient client, Operation operation, params (string, string)[] headers) =>
        client.Send(operation.Method, operation.Path(), operation.Example(), headers);
}
