using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.SignIn;

public sealed class TransportTests
{
    static readonly (string, string)[] BehindProxy = [("TrustedProxies", "127.0.0.1")];

    [Fact]
    public async Task Over_HTTPS_every_cookie_is_a_strict_host_cookie()
    {
        await using var server = await TestServer.Run(BehindProxy);
        var browser = await server.Owner(https: true, host: "licenses.example.com");
        await browser.TurnOnSecondFactor();
        var all = new List<string>((await new Browser(server, true).Get("/admin/sign-in")).SetCookies);
        all.AddRange((await new Browser(server, true).SignIn(Staff.Ann)).SetCookies);
        Assert.Contains(all, cookie => cookie.StartsWith("__Host-latchkey-form=", StringComparison.Ordinal));
        Assert.Contains(all, cookie => cookie.StartsWith("__Host-latchkey-step=", StringComparison.Ordinal));
        Assert.Contains("__Host-latchkey-session", browser.Cookies.Keys);
        Assert.All(browser.Cookies.Keys, name => Assert.StartsWith("__Host-", name));
        Assert.All(all, cookie => Assert.All(["path=/;", "secure", "samesite=strict", "httponly"], part => Assert.Contains(part, cookie + ";", StringComparison.OrdinalIgnoreCase)));
        Assert.All(all, cookie => Assert.DoesNotContain("domain=", cookie, StringComparison.OrdinalIgnoreCase));
        await browser.Get("/admin/account");
        var gone = await browser.Post("/admin/sign-out");
        Assert.Contains(gone.SetCookies, cookie => cookie.StartsWith("__Host-latchkey-session=;", StringComparison.Ordinal) && cookie.Contains("secure"));
    }

    [Fact]
    public async Task Over_HTTPS_a_cookie_without_the_prefix_counts_for_nothing()
    {
        await using var server = await TestServer.Run(BehindProxy);
        var browser = await server.Owner(https: true);
        var planted = new Browser(server, true);
        foreach (var (name, value) in browser.Cookies) planted.Cookies[name["__Host-".Length..]] = value;
        Assert.True(await browser.IsIn());
        Assert.False(await planted.IsIn());
    }

    [Fact]
    public async Task Over_plain_HTTP_on_this_machine_it_works_and_warns()
    {
        await using var server = await TestServer.Run();
        var browser = await server.Owner();
        Assert.Contains($"latchkey-session-{new Uri(server.Url).Port}", browser.Cookies.Keys);
        Assert.Contains("not encrypted", (await new Browser(server).Get("/admin/sign-in")).Body);
        Assert.Equal(200, (await new Browser(server, host: $"localhost:{server.Port}").Get("/admin/sign-in")).Status);
        await using var proxied = await TestServer.Run(BehindProxy);
        Assert.DoesNotContain("not encrypted", (await new Browser(proxied, true).Get("/admin/sign-in")).Body);
    }

    [Theory]
    [InlineData("licenses.example.com")]
    [InlineData("192.168.1.5:8080")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("localhost.evil.example")]
    public async Task Over_plain_HTTP_any_other_name_is_refused(string host)
    {
        await using var server = await TestServer.Run();
        var browser = new Browser(server, host: host);
        foreach (var path in new[] { "/admin", "/admin/sign-in", "/admin/account", server.SetupLink() })
        {
            var refused = await browser.Get(path);
            Assert.Equal(403, refused.Status);
            Assert.Contains("HTTPS", refused.Body);
            Assert.Empty(refused.SetCookies);
        }
    }

    [Theory]
    [InlineData("X-Forwarded-For", "203.0.113.9")]
    [InlineData("X-Forwarded-Proto", "https")]
    [InlineData("Forwarded", "for=203.0.113.9;proto=https")]
    [InlineData("Via", "1.1 proxy")]
    public async Task A_proxy_that_is_not_trusted_makes_nobody_local_and_nothing_HTTPS(string header, string value)
    {
        await using var server = await TestServer.Run();
        var browser = new Browser(server);
        browser.Headers.Add((header, value));
        Assert.Equal(403, (await browser.Get("/admin/sign-in")).Status);
    }

    [Fact]
    public async Task A_trusted_proxy_that_speaks_plain_HTTP_to_the_world_is_refused()
    {
        await using var server = await TestServer.Run(BehindProxy);
        var browser = new Browser(server);
        browser.Headers.AddRange([("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "http")]);
        Assert.Equal(403, (await browser.Get("/admin/sign-in")).Status);
    }

    static readonly string[] Forms =
    [
        "/admin/sign-in", "/admin/sign-in/second-factor", "/admin/sign-out",
        "/admin/confirm", "/admin/setup/00", "/admin/invitation/00",
        "/admin/reset/00", "/admin/account/password", "/admin/account/second-factor",
        "/admin/account/second-factor/off", "/admin/account/recovery-codes", "/admin/account/passkeys/remove",
        "/admin/account/sessions/end", "/admin/account/sessions/end-others", "/admin/sign-in/passkey-options",
        "/admin/sign-in/passkey", "/admin/account/passkeys/options", "/admin/account/passkeys",
    ];

    [Fact]
    public async Task Every_post_without_the_token_is_refused()
    {
        await using var server = await TestServer.Run();
        var browser = await server.Owner();
        foreach (var path in Forms)
        {
            foreach (var token in new[] { "", "CfDJ8forged" })
            {
                await browser.Get("/admin/account");
                browser.Token = token;
                Assert.Equal((path, 400), (path, (await browser.Post(path, ("email", Staff.Ann), ("password", Browser.Password))).Status));
                Assert.Equal((path, 400), (path, (await browser.PostJson(path, "{}")).Status));
            }
        }

        Assert.True(await browser.IsIn());
    }

    /// <summary>A form that is added later is in the list above, or this fails.</summary>
    [Fact]
    public async Task The_forms_are_all_there_are()
    {
        await using var server = await TestServer.Run();
        var routes = new Routes(server.Services);
        Server.Admin.SignIn.SignInHost.Map(routes);
        var posts = routes.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Contains("POST"))
            .Select(endpoint => "/admin/" + endpoint.RoutePattern.RawText!.TrimStart('/').Replace("{token}", "00"));
        Assert.Equal(Forms.Order(), posts.Order());
    }

    sealed class Routes(IServiceProvider services) : IEndpointRouteBuilder
    {
        public IServiceProvider ServiceProvider => services;
        public ICollection<EndpointDataSource> DataSources { get; } = [];
        public IApplicationBuilder CreateApplicationBuilder() => new ApplicationBuilder(services);
    }

    [Fact]
    public async Task Only_the_panel_looks_at_the_session()
    {
        await using var server = await TestServer.Run();
        var browser = await server.Owner();
        server.Clock.Advance(TimeSpan.FromMinutes(5));
        var seen = server.WithDb(db => db.OperatorSessions.Single().LastSeenAt);
        await browser.Get("/api/license/verify");
        await browser.Get("/");
        Assert.Equal(seen, server.WithDb(db => db.OperatorSessions.Single().LastSeenAt));
        await browser.Get("/admin/account");
        Assert.NotEqual(seen, server.WithDb(db => db.OperatorSessions.Single().LastSeenAt));
    }

    [Fact]
    public async Task Pages_forbid_inline_script_framing_and_storing()
    {
        await using var server = await TestServer.Run();
        var browser = await server.Owner();
        foreach (var path in new[] { "/admin/account", "/admin/confirm", "/admin/account/second-factor", "/admin/setup/00" })
        {
            var page = await browser.Get(path);
            var policy = string.Join(' ', page.Answer.Headers.GetValues("Content-Security-Policy"));
            Assert.Contains("default-src 'none'; script-src 'self'; style-src 'self';", policy);
            Assert.Contains("frame-ancestors 'none'", policy);
            Assert.DoesNotContain("unsafe", policy);
            Assert.True(page.Answer.Headers.CacheControl!.NoStore);
            Assert.DoesNotMatch("<script(?! type=\"module\" src=\"/admin/)|<style| style=| on[a-z]+=", page.Body);
        }

        foreach (var asset in new[] { Server.Admin.SignIn.SignInAssets.Style, Server.Admin.SignIn.SignInAssets.Script }) Assert.Equal(200, (await browser.Get(asset)).Status);
    }
}
