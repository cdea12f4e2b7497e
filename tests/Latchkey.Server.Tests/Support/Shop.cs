using System.Text.Json;
using System.Text.RegularExpressions;

namespace Latchkey.Server.Tests.Support;

/// <summary>A data directory that a test fills through the command line, with a place for other files beside it.</summary>
sealed partial class Shop : IDisposable
{
    public static readonly (string Name, string Value)[] NoLimits =
        [("LATCHKEY_RateLimit__RequestsPerMinute", "0"), ("LATCHKEY_RateLimit__FailuresPerMinute", "0")];

    public string Home { get; } = TempDirectory.Make();
    public string Data => Path.Combine(Home, "data");
    public string Database => Path.Combine(Data, "latchkey.db");
    public string Secrets => Path.Combine(Data, "secrets");

    /// <summary>The files in the store, temporary ones too.</summary>
    public string[] Stored => Directory.Exists(Path.Combine(Data, "files")) ? Directory.GetFiles(Path.Combine(Data, "files"), "*", SearchOption.AllDirectories) : [];

    public string File(string name, string content) => File(name, System.Text.Encoding.UTF8.GetBytes(content));

    public string File(string name, byte[] content)
    {
        var path = Path.Combine(Home, name);
        System.IO.File.WriteAllBytes(path, content);
        return path;
    }

    public Task<CliResult> Run(params string[] arguments) => Cli.Run([.. arguments, "--data", Data]);

    /// <summary>Must succeed, and answer with one JSON document in the wire's field names.</summary>
    public async Task<JsonElement> Do(params string[] arguments)
    {
        var result = await Run([.. arguments, "--json"]);
        Assert.True(result.Status == 0, $"{string.Join(' ', arguments)} ended with {result.Status}: {result.Error}");
        Assert.True(result.Error.Length == 0 || result.Error.StartsWith("Note: ", StringComparison.Ordinal), result.Error);
        return Document(result.Output);
    }

    /// <summary>Must be refused with this exit code and a sentence, the same on standard error and in the JSON document.</summary>
    public async Task<string> Refused(int status, params string[] arguments) => Refused(status, await Run([.. arguments, "--json"]));

    public static string Refused(int status, CliResult result)
    {
        Assert.True(result.Status == status, $"ended with {result.Status}: {result.Output} {result.Error}");
        var sentence = Sentence(result);
        var document = Document(result.Output);
        Assert.False(document.GetProperty("success").GetBoolean());
        Assert.Equal(sentence, document.GetProperty("message").GetString());
        return sentence;
    }

    /// <summary>What stands on standard error: for people, so without the program's insides.</summary>
    public static string Sentence(CliResult result)
    {
        var sentence = result.Error.Trim();
        Assert.NotEqual("", sentence);
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("should not have happened", result.Error, StringComparison.Ordinal);
        return sentence;
    }

    /// <summary>Exactly one JSON document: anything before or after it does not parse.</summary>
    public static JsonElement Document(string output)
    {
        var root = JsonDocument.Parse(output).RootElement;
        AssertSnakeCase(root);
        return root;
    }

    static void AssertSnakeCase(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray()) AssertSnakeCase(item);
        }

        if (element.ValueKind != JsonValueKind.Object) return;
        foreach (var property in element.EnumerateObject())
        {
            Assert.Matches(SnakeCase(), property.Name);
            AssertSnakeCase(property.Value);
        }
    }

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
    private static partial Regex SnakeCase();

    public async Task<long> AddProduct(params string[] more) =>
        (await Do(["product", "add", "--name", "Plugin", "--prefix", "PLUG", .. more])).Id();

    public Task<JsonElement> Issue(long product, params string[] more) =>
        Do(["license", "issue", "--product", product.ToString(), .. more]);

    public Task<JsonElement> Publish(long product, byte[] content, string name = "product.zip") =>
        Do("product", "publish", "--product", product.ToString(), "--file", File(name, content));

    public Task<ServeProcess> Serve(params string[] more) => ServeProcess.Run(Data, NoLimits, more);

    public void Dispose() => TempDirectory.Delete(Home);
}

/// <summary>Fields of what a command answers.</summary>
static class Answered
{
    public static long Id(this JsonElement answer) => answer.GetProperty("id").GetInt64();
    public static string Text(this JsonElement answer, string name) => answer.GetProperty(name).GetString()!;
    public static string Key(this JsonElement license) => license.Text("license_key");
    public static string[] Domains(this JsonElement license) => [.. license.GetProperty("domains").EnumerateArray().Select(d => d.GetString()!)];
}
