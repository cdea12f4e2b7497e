using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed class ServeCommandTests
{
    const string AnyPort = "http://127.0.0.1:0";

    static async Task<string> Bash(string directory, string line)
    {
        var start = new ProcessStartInfo("bash", ["-c", line]) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true };
        using var bash = Process.Start(start)!;
        var error = bash.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(bash.ExitCode == 0, $"{line}\nended with {bash.ExitCode}: {output} {await error}");
        return output;
    }

    [Fact]
    public async Task The_three_commands_of_the_demo_work_as_printed()
    {
        using var shop = new Shop();
        await using var server = await ServeConsole.Run(shop.Home, [], "--demo", "--urls", AnyPort);
        Assert.Contains(server.Lines, line => line == $"Data lies in {shop.Data}");
        var curls = server.Lines.Select(line => line.Trim()).Where(line => line.StartsWith("curl ", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, curls.Count);

        var verified = JsonDocument.Parse(await Bash(shop.Home, curls[0])).RootElement;
        Assert.Equal("License is valid and active", verified.Text("message"));
        var minted = JsonDocument.Parse(await Bash(shop.Home, curls[1])).RootElement;
        Assert.StartsWith(server.Url, minted.GetProperty("data").Text("download_url"), StringComparison.Ordinal);
        await Bash(shop.Home, curls[2]);
        using var zip = System.IO.Compression.ZipFile.OpenRead(Path.Combine(shop.Home, "demo-plugin.zip"));
        Assert.NotEmpty(zip.Entries);
        Assert.All(zip.Entries, entry => Assert.True(entry.Length > 0));
        Assert.Equal(new FileInfo(Path.Combine(shop.Home, "demo-plugin.zip")).Length, minted.GetProperty("data").GetProperty("file_size").GetInt64());
    }

    [Fact]
    public async Task Nothing_of_the_demo_lies_ahead_and_its_downloads_follow_one_another()
    {
        using var shop = new Shop();
        await using var server = await shop.Serve("--demo");
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() * 1000;
        foreach (var (table, column) in new[] { ("activity", "last_at"), ("activity", "first_at"), ("last_seen", "at"), ("activity_hours", "hour"), ("download_tokens", "created_at"), ("download_tokens", "claimed_at"), ("download_tokens", "spent_at"), ("licenses", "created_at"), ("audit", "at") })
        {
            Assert.Equal(0, Tables.Query<long>(shop.Database, $"SELECT count(*) FROM {table} WHERE {column} > {now}"));
        }

        Assert.Equal(0, Tables.Query<long>(shop.Database, "SELECT count(*) FROM activity WHERE last_at < first_at"));
        Assert.Equal(0, Tables.Query<long>(shop.Database, "SELECT count(*) FROM download_tokens a JOIN download_tokens b ON b.id > a.id AND b.created_at < a.created_at"));
    }

    [Fact]
    public async Task The_demo_started_again_has_the_same_license()
    {
        using var shop = new Shop();
        string first;
        await using (var server = await shop.Serve("--demo")) first = server.Started.GetProperty("demo").GetRawText();
        await using (var server = await shop.Serve("--demo"))
        {
            var demo = server.Started.GetProperty("demo");
            Assert.Equal(first, demo.GetRawText());
            Assert.Equal(200, (await server.Http.Verify(demo.Key(), demo.Text("domain"), demo.GetProperty("product_id").GetInt64())).Status);
        }

        // And around it the same business as at first.
        Assert.Single((await shop.Do("license", "list", "--product", "1")).EnumerateArray());
        Assert.Equal(65, (await shop.Do("license", "list")).GetArrayLength());
        Assert.Equal(4, (await shop.Do("product", "list")).GetArrayLength());
        Assert.Equal(14, shop.Stored.Length);
    }

    [Fact]
    public async Task The_demo_leaves_an_installation_with_products_alone()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        Assert.Contains("--data", await shop.Refused(1, "serve", "--demo", "--urls", AnyPort), StringComparison.Ordinal);
        Assert.Single((await shop.Do("product", "list")).EnumerateArray());
    }

    [Fact]
    public async Task Started_empty_it_says_what_to_type_next_and_that_works()
    {
        using var shop = new Shop();
        shop.File("my-plugin.zip", "content");
        await using var server = await ServeConsole.Run(shop.Home, [], "--urls", AnyPort);
        var commands = server.Lines.Select(line => line.Trim()).Where(line => line.StartsWith("./latchkey ", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, commands.Count);
        foreach (var command in commands) await Bash(shop.Home, command.Replace("./latchkey", $"'{Cli.Program}'", StringComparison.Ordinal));
        var key = (await shop.Do("license", "show", "1")).Key();
        Assert.Equal("content", (await server.Http.Get(await server.Http.MintPathOf(key, "example.com", 1))).Text);
    }

    [Fact]
    public async Task Json_is_one_document_with_where_it_listens_and_where_the_data_lies()
    {
        using var shop = new Shop();
        await using var server = await shop.Serve();
        Assert.StartsWith("http://127.0.0.1:", server.Started.GetProperty("urls")[0].GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain(":0", server.Url[^2..], StringComparison.Ordinal);
        Assert.Equal(shop.Data, server.Started.Text("data"));
        Assert.Equal(JsonValueKind.Null, server.Started.GetProperty("demo").ValueKind);
    }

    [Fact]
    public async Task A_port_in_use_ends_it_with_1_and_a_sentence()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";
        using var shop = new Shop();
        var sentence = await shop.Refused(1, "serve", "--urls", url);
        Assert.Contains(url, sentence, StringComparison.Ordinal);
        Assert.Contains("--urls", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', sentence);
    }

    [Fact]
    public async Task An_address_of_another_machine_ends_it_with_1_and_a_sentence()
    {
        using var shop = new Shop();
        var sentence = await shop.Refused(1, "serve", "--urls", "http://192.0.2.1:8080");
        Assert.Contains("http://192.0.2.1:8080", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', sentence);
    }

    [Fact]
    public async Task It_listens_on_several_addresses()
    {
        using var shop = new Shop();
        await using var server = await ServeConsole.Run(shop.Home, [], "--urls", $"{AnyPort};{AnyPort}");
        var urls = server.Lines[0]["Latchkey listens on ".Length..].Split(", ");
        Assert.Equal(2, urls.Distinct().Count());
        foreach (var url in urls)
        {
            using var http = new HttpClient { BaseAddress = new Uri(url) };
            Assert.Equal(401, (await http.Verify("UNKNOWN-KEY", "example.com", 1)).Status);
        }
    }

    [Fact]
    public async Task The_environment_of_the_framework_changes_nothing()
    {
        using var shop = new Shop();
        await using var server = await ServeConsole.Run(
            shop.Home, [("ASPNETCORE_URLS", "http://0.0.0.0:5999"), ("DOTNET_URLS", "http://0.0.0.0:5998"), ("Logging__LogLevel__Default", "Trace"), ("ASPNETCORE_ENVIRONMENT", "Development")], "--urls", AnyPort);
        Assert.DoesNotContain("599", server.Lines[0][..^6], StringComparison.Ordinal);
        Assert.Equal(401, (await server.Http.Verify("UNKNOWN-KEY", "example.com", 1)).Status);
        Assert.DoesNotContain("Microsoft.", await server.Stop(), StringComparison.Ordinal);
    }
}
