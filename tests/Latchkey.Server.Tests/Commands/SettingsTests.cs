using System.Globalization;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed class SettingsTests
{
    const string Limit = "X-RateLimit-Limit";

    static async Task<string?> LimitOf(string home, (string, string)[] environment, params string[] arguments)
    {
        await using var server = await ServeConsole.Run(home, environment, ["--urls", "http://127.0.0.1:0", .. arguments]);
        return (await server.Http.Verify("UNKNOWN-KEY", "example.com", 1)).Header(Limit);
    }

    [Fact]
    public async Task The_command_line_wins_over_the_environment_and_that_over_the_file_and_that_over_the_usual()
    {
        var home = TempDirectory.Make();
        Assert.Equal("60", await LimitOf(home, []));
        await File.WriteAllTextAsync(Path.Combine(home, "appsettings.json"), """{ "RateLimit": { "RequestsPerMinute": 11 } }""", TestContext.Current.CancellationToken);
        Assert.Equal("11", await LimitOf(home, []));
        Assert.Equal("12", await LimitOf(home, [("LATCHKEY_RateLimit__RequestsPerMinute", "12")]));
        Assert.Equal("13", await LimitOf(home, [("LATCHKEY_RateLimit__RequestsPerMinute", "12")], "--RateLimit:RequestsPerMinute", "13"));
        Assert.Equal("14", await LimitOf(home, [], "--ratelimit:requestsperminute=14"));
        TempDirectory.Delete(home);
    }

    [Fact]
    public async Task The_file_names_the_data_directory_for_every_command()
    {
        var home = TempDirectory.Make();
        await File.WriteAllTextAsync(Path.Combine(home, "appsettings.json"), """{ "Data": "./elsewhere" }""", TestContext.Current.CancellationToken);
        Assert.Equal(0, (await Cli.Run(["product", "add", "--name", "X", "--prefix", "X"], [], home)).Status);
        Assert.True(File.Exists(Path.Combine(home, "elsewhere", "latchkey.db")));
        TempDirectory.Delete(home);
    }

    [Fact]
    public async Task Links_stand_on_the_public_url_and_live_as_long_as_is_set()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        await shop.Publish(1, "x"u8.ToArray());
        var key = (await shop.Issue(1, "--domain", "example.com")).Key();
        await using var server = await ServeProcess.Run(
            shop.Data, [("LATCHKEY_PublicUrl", "https://licenses.example.com/shop/"), ("LATCHKEY_Downloads__TokenLifetime", "2.03:00:00")]);
        var reply = await server.Http.Mint(key, "example.com", 1);
        var data = reply.Json.GetProperty("data");
        Assert.Matches("^https://licenses\\.example\\.com/shop/api/license/download-file/[0-9a-f]{64}$", data.Text("download_url"));
        var lifetime = DateTimeOffset.Parse(data.Text("expires_at"), CultureInfo.InvariantCulture) - DateTimeOffset.Parse(reply.Header("Date")!, CultureInfo.InvariantCulture);
        Assert.InRange(lifetime.TotalSeconds, (51 * 3600) - 5, (51 * 3600) + 5);
    }

    [Fact]
    public async Task Only_listed_proxies_are_believed()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        var key = (await shop.Issue(1, "--domain", "example.com")).Key();
        async Task<string> SeenFrom((string, string)[] environment)
        {
            await using var server = await ServeProcess.Run(shop.Data, environment);
            await server.Http.Get($"{Ask.VerifyPath}?domain=example.com&product_id=1", ("Authorization", $"Bearer {key}"), ("X-Forwarded-For", "203.0.113.9"));
            Assert.Equal(0, await server.Terminate());
            return (await shop.Do("license", "show", "1")).GetProperty("last_seen").Text("address");
        }

        Assert.Equal("127.0.0.1", await SeenFrom([]));
        Assert.Equal("203.0.113.9", await SeenFrom([("LATCHKEY_TrustedProxies__0", "10.0.0.5"), ("LATCHKEY_TrustedProxies__1", "127.0.0.0/8")]));
        Assert.Equal("127.0.0.1", await SeenFrom([("LATCHKEY_TrustedProxies__0", "10.0.0.0/8"), ("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true")]));
    }

    [Fact]
    public async Task Every_fault_is_told_at_once_with_what_the_setting_may_be_and_nothing_is_made()
    {
        (string Name, string Value, string Allowed)[] wrong =
        [
            ("Urls", "https://127.0.0.1:8443", "http://127.0.0.1:8080"),
            ("PublicUrl", "licenses.example.com", "https://licenses.example.com"),
            ("TrustedProxies:0", "my-proxy", "10.0.0.0/8"),
            ("RateLimit:RequestsPerMinute", "-1", "from 0 to 1000000000 (0 turns the limit off)"),
            ("RateLimit:FailuresPerMinute", "lots", "from 0 to 1000000000 (0 turns the limit off)"),
            ("Downloads:TokenLifetime", "24", "d.hh:mm:ss"),
            ("Downloads:MaxConcurrent", "0", "from 1 to 100000"),
            ("Downloads:MinimumBytesPerSecond", "1.5", "from 0 to 1000000000"),
            ("Log:Level", "Chatty", "Debug, Information, Warning, Error"),
            ("Log:Format", "xml", "auto, text, json"),
            ("Connections:Max", "9", "from 10 to 1000000"),
            ("Connections:PerAddress", "-1", "from 0 to 1000000"),
            ("Connections:HeaderTimeout", "00:00:00", "from 00:00:01 to 00:10:00"),
            ("Connections:BodyTimeout", "30", "from 00:00:01 to 00:10:00"),
            ("Downloads:PerAddress", "many", "from 0 to 100000"),
            ("Downloads:PerLicense", "-1", "from 0 to 100000"),
            ("ShutdownTimeout", "-00:00:01", "hh:mm:ss"),
        ];
        using var shop = new Shop();
        (string, string)[] environment = [.. wrong.Select(w => ($"LATCHKEY_{w.Name.Replace(":", "__", StringComparison.Ordinal)}", w.Value))];
        var lines = Shop.Refused(1, await Cli.Run(["serve", "--data", shop.Data, "--json"], environment)).Split('\n');
        Assert.Equal(wrong.Length, lines.Length);
        Assert.All(wrong, w => Assert.Contains(lines, line => line.StartsWith($"{w.Name} is \"{w.Value}\", but must be ", StringComparison.Ordinal) && line.Contains(w.Allowed, StringComparison.Ordinal)));
        Assert.False(Directory.Exists(shop.Data));
    }

    [Theory]
    [InlineData("Blobs:Delivery is \"Redirect\", which needs Blobs:Store=S3", "Blobs__Delivery=Redirect")]
    [InlineData("Blobs:Delivery is \"Accel\", which needs Blobs:Store=Disk", "Blobs__Delivery=Accel", "Blobs__Store=S3", "Blobs__S3__Bucket=b")]
    [InlineData("Blobs:S3:Bucket is missing", "Blobs__Store=S3")]
    [InlineData("Blobs:S3:AccessKey and Blobs:S3:SecretKey go together", "Blobs__S3__SecretKey=very-secret")]
    [InlineData("Blobs:S3:Endpoint is \"minio\", but must be", "Blobs__S3__Endpoint=minio")]
    [InlineData("Blobs:Store is \"Tape\", but must be one of Disk, S3", "Blobs__Store=Tape")]
    public async Task What_does_not_go_together_in_a_store_is_told_and_no_secret(string sentence, params string[] given)
    {
        using var shop = new Shop();
        var environment = given.Select(pair => ("LATCHKEY_" + pair.Split('=')[0], pair.Split('=')[1])).ToArray();
        var told = Shop.Refused(1, await Cli.Run(["serve", "--data", shop.Data, "--json"], environment));
        Assert.StartsWith(sentence, told, StringComparison.Ordinal);
        Assert.DoesNotContain("very-secret", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_of_a_store_are_masked_where_settings_are_shown()
    {
        var sources = new ConfigurationBuilder().AddInMemoryCollection([new("Blobs:S3:AccessKey", "AKIAEXAMPLE"), new("Blobs:S3:SecretKey", "very-secret")]).Build();
        var shown = Configuration.SettingsInUse.Of(sources, out _).Where(setting => setting.Name.StartsWith("Blobs:S3:", StringComparison.Ordinal) && setting.Source != "default");
        Assert.Equal([("Blobs:S3:AccessKey", "••••••••"), ("Blobs:S3:SecretKey", "••••••••")], shown.Select(setting => (setting.Name, setting.Value)));
    }

    [Fact]
    public async Task A_list_may_be_one_text_with_commas()
    {
        using var shop = new Shop();
        await using (var server = await ServeProcess.Run(shop.Data, [("LATCHKEY_TrustedProxies", "10.0.0.1, 127.0.0.0/8")]))
        {
            var request = Ask.Request(HttpMethod.Get, Ask.VerifyPath, "wrong-key-1", "example.com", 1);
            request.Headers.Add("X-Forwarded-For", "203.0.113.7");
            await server.Http.Read(request);
            Assert.Equal("59", (await server.Http.Verify("wrong-key-1", "example.com", 1)).Header("X-RateLimit-Remaining"));
        }

        var wrong = await Cli.Run(["serve", "--data", shop.Data], [("LATCHKEY_TrustedProxies", "10.0.0.1,here")]);
        Assert.Equal(1, wrong.Status);
        Assert.Contains("TrustedProxies is \"here\", but must be addresses or CIDR networks", Shop.Sentence(wrong), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ \"Urls\": ")]
    [InlineData("Urls=http://127.0.0.1:0")]
    [InlineData("[1]")]
    public async Task A_settings_file_that_is_not_json_is_named_in_a_sentence(string text)
    {
        using var shop = new Shop();
        var path = shop.File("appsettings.json", text);
        foreach (var command in new[] { "serve", "doctor", "product list" })
        {
            var result = await Cli.Run([.. command.Split(' '), "--data", shop.Data], [], shop.Home);
            Assert.Equal(1, result.Status);
            if (command != "doctor") Shop.Sentence(result);
            Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
            Assert.Contains(path, result.Output + result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_setting_that_does_not_exist_is_wrong_usage_on_the_command_line_and_a_warning_in_the_environment()
    {
        using var shop = new Shop();
        Assert.Contains("--PublicUrI", await shop.Refused(2, "serve", "--PublicUrI", "https://example.com"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(shop.Data));

        await using var server = await ServeConsole.Run(shop.Home, [("LATCHKEY_PublicUrI", "https://example.com")], "--data", shop.Data, "--urls", "http://127.0.0.1:0");
        Assert.Equal(401, (await server.Http.Verify("UNKNOWN-KEY", "example.com", 1)).Status);
        Assert.Contains("no setting PublicUrI", await server.Stop(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://licenses.example.com:0")]
    [InlineData("http://nosuchhost:0")]
    public async Task A_name_to_listen_on_never_means_every_interface(string url)
    {
        using var shop = new Shop();
        using var process = Cli.Start(["serve", "--data", shop.Data, "--urls", url], []);
        var first = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain("[::]", first ?? "", StringComparison.Ordinal);
        Assert.DoesNotContain("0.0.0.0", first ?? "", StringComparison.Ordinal);
    }
}
