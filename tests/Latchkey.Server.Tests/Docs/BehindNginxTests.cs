using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Security.Cryptography;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Docs;

/// <summary>deploy/nginx.conf does what docs/operations.md says a proxy must do.</summary>
public sealed class BehindNginxTests
{
    const string Origin = "https://licenses.example.com";

    static Task<TestServer> Behind(params (string Name, string Value)[] settings) =>
        TestServer.Run([("TrustedProxies:0", "127.0.0.1"), .. settings]);

    [Fact]
    public async Task Nginx_accepts_the_configuration()
    {
        var home = TempDirectory.Make();
        var (plain, secure) = Nginx.FreePorts();
        using var test = Process.Start(new ProcessStartInfo("nginx", ["-t", "-q", .. Nginx.Prepare(home, plain, secure, 1)]) { RedirectStandardError = true })!;
        var complaints = await test.StandardError.ReadToEndAsync();
        await test.WaitForExitAsync();
        TempDirectory.Delete(home);
        Assert.Equal((0, ""), (test.ExitCode, complaints));
    }

    [Fact]
    public async Task Each_client_address_has_a_limit_of_its_own_whatever_it_claims_to_be()
    {
        await using var server = await Behind(("RateLimit:RequestsPerMinute", "60"));
        await using var nginx = await Nginx.Run(server.Port);
        var license = server.Issue(server.AddProduct().Id, "example.com");
        Assert.Equal("59", await Remaining(nginx, "127.0.0.2", null));
        Assert.Equal("58", await Remaining(nginx, "127.0.0.2", "203.0.113.9"));
        Assert.Equal("57", await Remaining(nginx, "127.0.0.2", "203.0.113.10, 127.0.0.1"));
        Assert.Equal("59", await Remaining(nginx, "127.0.0.3", "127.0.0.2"));

        async Task<string?> Remaining(Nginx proxy, string address, string? claimed)
        {
            using var http = proxy.ClientAt(address);
            if (claimed is not null) http.DefaultRequestHeaders.Add("X-Forwarded-For", claimed);
            var reply = await http.Verify(license.LicenseKey, "example.com", 1);
            Assert.Equal(200, reply.Status);
            return reply.Header("X-RateLimit-Remaining");
        }
    }

    [Fact]
    public async Task The_download_link_has_the_public_scheme_and_host_whatever_the_client_claims()
    {
        await using var server = await Behind();
        await using var nginx = await Nginx.Run(server.Port);
        var product = server.AddProduct();
        server.Publish(product.Id, [1, 2, 3]);
        var license = server.Issue(product.Id, "example.com");
        using var http = nginx.ClientAt("127.0.0.2");
        http.DefaultRequestHeaders.Add("X-Forwarded-Host", "evil.example");
        http.DefaultRequestHeaders.Add("X-Forwarded-Proto", "http");
        var reply = await http.Mint(license.LicenseKey, "example.com", 1);
        Assert.StartsWith($"{Origin}/api/license/download-file/", reply.Json.GetProperty("data").GetProperty("download_url").GetString());
    }

    [Fact]
    public async Task A_body_on_GET_and_the_envelope_pass_through()
    {
        await using var server = await Behind();
        await using var nginx = await Nginx.Run(server.Port);
        var license = server.Issue(server.AddProduct().Id, "example.com");
        using var http = nginx.ClientAt("127.0.0.2");
        using var asked = Ask.Request(HttpMethod.Get, Ask.VerifyPath, license.LicenseKey, null, null);
        asked.Content = new StringContent("{\"domain\":\"example.com\",\"product_id\":1}", MediaTypeHeaderValue.Parse("application/json"));
        Assert.Equal(200, (await http.Read(asked)).Status);
        using var large = Ask.Request(HttpMethod.Post, Ask.VerifyPath, license.LicenseKey, null, null);
        large.Content = new StringContent(new string(' ', 20_000), MediaTypeHeaderValue.Parse("application/json"));
        Assert.Equal("PAYLOAD_TOO_LARGE", (await http.Read(large)).Json.GetProperty("error_code").GetString());
    }

    [Fact]
    public async Task A_broken_download_is_noticed_and_resumed_by_its_client_alone_and_the_token_is_in_no_log()
    {
        await using var server = await Behind();
        await using var nginx = await Nginx.Run(server.Port);
        var product = server.AddProduct();
        var content = RandomNumberGenerator.GetBytes(48 * 1024 * 1024);
        server.Publish(product.Id, content);
        var license = server.Issue(product.Id, "example.com");
        string path;
        using (var http = nginx.ClientAt("127.0.0.2"))
        {
            path = await http.MintPathOf(license.LicenseKey!, "example.com", product.Id);
            using var answer = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            await (await answer.Content.ReadAsStreamAsync()).ReadExactlyAsync(new byte[1_000_000]);

            // Long enough for a proxy that buffers to swallow the file.
            await Task.Delay(TimeSpan.FromSeconds(2));
        }

        await Until(() => server.Log.Lines.Any(line => line.Contains("Interrupted download token", StringComparison.Ordinal)));
        using (var stranger = nginx.ClientAt("127.0.0.3")) Assert.Equal(410, (await stranger.Get(path)).Status);
        using (var http = nginx.ClientAt("127.0.0.2"))
        {
            var rest = await http.Get(path, ("Range", "bytes=1000000-"), ("If-Range", $"\"{Convert.ToHexStringLower(SHA256.HashData(content))}\""));
            Assert.Equal(206, rest.Status);
            Assert.True(content.AsSpan(1_000_000).SequenceEqual(rest.Bytes));
            Assert.Equal(410, (await http.Get(path)).Status);
        }

        await Until(() => nginx.Logs.Contains("\"GET /api/license/download-file/-\" 410"));
        Assert.DoesNotContain(path[^64..], nginx.Logs);
    }

    [Fact]
    public async Task The_panel_keeps_its_connection_and_takes_large_uploads()
    {
        await using var server = await Behind();
        await using var nginx = await Nginx.Run(server.Port);
        var owner = await server.Owner(https: true, host: "licenses.example.com");
        using var http = nginx.ClientAt("127.0.0.2");
        using var panel = new ClientWebSocket();
        panel.Options.SetRequestHeader("Cookie", string.Join("; ", owner.Cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        panel.Options.SetRequestHeader("Origin", Origin);
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await panel.ConnectAsync(new Uri("wss://licenses.example.com/admin/_blazor"), http, late.Token);
        await panel.SendAsync("{\"protocol\":\"blazorpack\",\"version\":1}\u001e"u8.ToArray(), WebSocketMessageType.Text, true, late.Token);
        var buffer = new byte[100];
        var said = await panel.ReceiveAsync(buffer, late.Token);
        Assert.Equal("{}\u001e", System.Text.Encoding.UTF8.GetString(buffer, 0, said.Count));
        using var large = new HttpRequestMessage(HttpMethod.Post, "/api/admin/releases/1/files/big.zip") { Content = new ByteArrayContent(new byte[3_000_000]) };
        Assert.Equal((401, "MISSING_AUTHORIZATION"), ((await http.Read(large)) is var refused ? (refused.Status, refused.Code) : default));
    }

    static async Task Until(Func<bool> met)
    {
        for (var tries = 0; tries < 400 && !met(); tries++) await Task.Delay(25);
        Assert.True(met());
    }
}
