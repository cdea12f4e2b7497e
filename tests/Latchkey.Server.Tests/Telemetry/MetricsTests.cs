using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Telemetry;

/// <summary>Who may read <c>/metrics</c>, and where.</summary>
public sealed class MetricsTests
{
    const string Token = "a-token-of-more-than-16";

    /// <summary>As the log tells it.</summary>
    static string ListenerOf(TestServer server) => server.Log.Lines.Single(line => line.Contains("Metrics are served on")).Split(' ').First(word => word.StartsWith("http://"));

    static HttpClient Client(string url) => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(url) };

    [Fact]
    public async Task Without_a_setting_the_path_is_as_unknown_as_any()
    {
        await using var server = await TestServer.Run();
        var (metrics, unknown) = (await server.Http.Get("/metrics"), await server.Http.Get("/nothing"));
        Assert.Equal((404, "NOT_FOUND"), (metrics.Status, metrics.Code));
        Assert.Equal(unknown.Text, metrics.Text);
        Assert.Equal(404, (await server.Http.Get("/metrics", ("Authorization", "Bearer "))).Status);
    }

    [Fact]
    public async Task With_a_token_it_is_open_to_whoever_has_the_token()
    {
        await using var server = await TestServer.Run(("Telemetry:Metrics:Token", Token));
        foreach (var wrong in new[] { "Bearer", "Bearer ", $"Bearer {Token[1..]}", $"Bearer {Token}x", $"Bearer {Token.ToUpperInvariant()}", $"Basic {Token}", Token })
        {
            var reply = await server.Http.Get("/metrics", ("Authorization", wrong));
            Assert.Equal((401, "MISSING_AUTHORIZATION", "Bearer"), (reply.Status, reply.Code, reply.Header("WWW-Authenticate")));
            Assert.DoesNotContain("latchkey_", reply.Text);
        }

        Assert.Equal(401, (await server.Http.Get("/metrics")).Status);
        Assert.Equal(401, (await server.Http.Get($"/metrics?token={Token}")).Status);
        var open = await server.Http.Get("/metrics", ("Authorization", $"Bearer {Token}"));
        Assert.Equal(200, open.Status);
        Assert.Contains("latchkey_build_info", Scrape.Parse(open.Text).Text);
        Assert.Equal(404, (await server.Http.Get("/metrics/more", ("Authorization", $"Bearer {Token}"))).Status);
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains(Token));
    }

    [Fact]
    public async Task With_a_listener_of_its_own_it_is_there_alone_and_nothing_else_is_there()
    {
        await using var server = await TestServer.Run(("Telemetry:Metrics:Urls", "http://127.0.0.1:0"));
        using var listener = Client(ListenerOf(server));
        Assert.Equal(404, (await server.Http.Get("/metrics")).Status);
        Assert.Equal(200, (await listener.Get("/metrics")).Status);
        foreach (var path in new[] { "/", "/metrics/", "/metrics/more", Ask.VerifyPath, "/admin/", "/docs", "/api/admin/products" })
        {
            var reply = await listener.Get(path);
            Assert.Equal((404, ""), (reply.Status, reply.Text));
        }

        Assert.Equal(404, (await listener.Read(new HttpRequestMessage(HttpMethod.Post, "/metrics"))).Status);
    }

    [Fact]
    public async Task With_both_the_listener_asks_for_the_token()
    {
        await using var server = await TestServer.Run(("Telemetry:Metrics:Urls", "http://127.0.0.1:0"), ("Telemetry:Metrics:Token", Token));
        using var listener = Client(ListenerOf(server));
        Assert.Equal(401, (await listener.Get("/metrics")).Status);
        Assert.Equal(200, (await listener.Get("/metrics", ("Authorization", $"Bearer {Token}"))).Status);
        Assert.Equal(404, (await server.Http.Get("/metrics", ("Authorization", $"Bearer {Token}"))).Status);
    }

    [Fact]
    public async Task A_place_that_is_taken_stops_the_start_with_a_sentence()
    {
        await using var server = await TestServer.Run();
        using var shop = new Shop();
        var told = Shop.Refused(1, await Cli.Run(["serve", "--data", shop.Data, "--urls", "http://127.0.0.1:0", "--json"], [("LATCHKEY_Telemetry__Metrics__Urls", server.Url)]));
        Assert.StartsWith("Cannot serve /metrics: ", told);
        Assert.EndsWith("Choose another address with Telemetry:Metrics:Urls.", told);
    }

    [Theory]
    [InlineData("Telemetry:Metrics:Token must have 16 or more visible ASCII characters.", "Telemetry__Metrics__Token=very-secret")]
    [InlineData("Telemetry:Metrics:Token must have 16 or more visible ASCII characters.", "Telemetry__Metrics__Token=very-secret and more of it")]
    [InlineData("Telemetry:Otlp:Headers must be name=value", "Telemetry__Otlp__Headers=very-secret")]
    [InlineData("Telemetry:Otlp:Endpoint is \"collector\", but must be", "Telemetry__Otlp__Endpoint=collector")]
    [InlineData("Telemetry:Otlp:Protocol is \"udp\", but must be one of grpc, http/protobuf", "Telemetry__Otlp__Protocol=udp")]
    [InlineData("Telemetry:Otlp:TracePercent is \"101\", but must be a whole number from 0 to 100", "Telemetry__Otlp__TracePercent=101")]
    [InlineData("Telemetry:Metrics:Urls is \"9464\", but must be", "Telemetry__Metrics__Urls=9464")]
    public async Task A_wrong_setting_is_told_and_no_secret(string sentence, string given)
    {
        using var shop = new Shop();
        var told = Shop.Refused(1, await Cli.Run(["serve", "--data", shop.Data, "--json"], [("LATCHKEY_" + given.Split('=')[0], given.Split('=')[1])]));
        Assert.StartsWith(sentence, told);
        Assert.DoesNotContain("very-secret", told);
    }

    [Fact]
    public void Secrets_are_masked_where_settings_are_shown()
    {
        var sources = new ConfigurationBuilder().AddInMemoryCollection([new("Telemetry:Metrics:Token", Token), new("Telemetry:Otlp:Headers", "authorization=very-secret")]).Build();
        var shown = Configuration.SettingsInUse.Of(sources, out _).Where(setting => setting.Name.StartsWith("Telemetry:") && setting.Source != "default");
        Assert.Equal([("Telemetry:Otlp:Headers", "••••••••"), ("Telemetry:Metrics:Token", "••••••••")], shown.Select(setting => (setting.Name, setting.Value)));
    }
}
