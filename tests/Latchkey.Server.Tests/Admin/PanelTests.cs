using System.Net;
using System.Text.RegularExpressions;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin;

/// <summary>The panel's own pipeline below /admin: its headers, its files, and whom it refuses.</summary>
public sealed partial class PanelTests
{
    [Fact]
    public async Task Serves_a_page_whose_scripts_and_styles_are_all_its_own_files()
    {
        await using var server = await TestServer.Run();
        var shown = await (await server.Owner()).Get("/admin/");
        var page = shown.Body;

        Assert.Equal(200, shown.Status);
        Assert.Contains("<base href=\"/admin/\">", page, StringComparison.Ordinal);
        Assert.Empty(InlineScript().Matches(page));
        Assert.Empty(EventAttribute().Matches(page));
        var files = File().Matches(page).Select(match => match.Groups[1].Value).ToArray();
        Assert.Contains(files, file => file.Contains("blazor.web", StringComparison.Ordinal));
        Assert.Contains(files, file => file.Contains("MudBlazor", StringComparison.Ordinal));
        foreach (var file in files)
        {
            using var got = await server.Http.GetAsync("/admin/" + file);
            Assert.True(got.StatusCode == HttpStatusCode.OK && got.Content.Headers.ContentLength > 0, $"{file}: {got.StatusCode}");
        }
    }

    [Theory]
    [InlineData("/admin/")]
    [InlineData("/admin/no-such-page")]
    [InlineData("/admin/admin.js")]
    public async Task Says_on_every_answer_what_a_browser_may_load(string path)
    {
        await using var server = await TestServer.Run();
        using var answer = await server.Http.GetAsync(path);

        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("default-src 'none'; script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.Equal("DENY", Assert.Single(answer.Headers.GetValues("X-Frame-Options")));
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("same-origin", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("null")]
    [InlineData("https://127.0.0.1")]
    public async Task Refuses_what_a_page_of_another_site_asks_for(string origin)
    {
        await using var server = await TestServer.Run();
        Assert.Equal(HttpStatusCode.Forbidden, await Status(server, "/admin/", origin));
        Assert.Equal(HttpStatusCode.Forbidden, await Status(server, "/admin/_blazor/negotiate?negotiateVersion=1", origin, HttpMethod.Post));

        // Our own pages get as far as to the sign-in.
        Assert.Equal(HttpStatusCode.SeeOther, await Status(server, "/admin/", server.Url));
        Assert.Equal(HttpStatusCode.OK, await Status(server, "/admin/sign-in", server.Url));
    }

    [Fact]
    public async Task Knows_its_public_address_behind_a_proxy()
    {
        await using var server = await TestServer.Run(("PublicUrl", "https://licenses.example.com"));
        Assert.Equal(HttpStatusCode.SeeOther, await Status(server, "/admin/", "https://licenses.example.com"));
        Assert.Equal(HttpStatusCode.Forbidden, await Status(server, "/admin/", "http://licenses.example.com"));
    }

    [Fact]
    public async Task Answers_an_unknown_page_with_a_page_that_says_so()
    {
        await using var server = await TestServer.Run();
        using var answer = await server.Http.GetAsync("/admin/no-such-page");
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Contains("There is no such page", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("audit", "owners")]
    [InlineData("operators", "owners")]
    [InlineData("settings", "owners")]
    [InlineData("api-keys/new", "owners")]
    [InlineData("products/new", "managers and owners")]
    [InlineData("products/1/releases/new", "managers and owners")]
    [InlineData("licenses/new", "managers and owners")]
    [InlineData("customers/new", "managers and owners")]
    public async Task A_page_that_is_for_others_says_for_whom(string path, string whom)
    {
        await using var server = await TestServer.Run();
        var owner = await server.Owner();
        Assert.Equal(200, (await owner.Get("/admin/" + path)).Status);
        var support = await server.Colleague("support@example.com", Latchkey.Server.Admin.Access.Role.Support);
        var shown = await support.Get("/admin/" + path);
        Assert.Equal(403, shown.Status);
        Assert.Contains("Your role may not see this page", shown.Body, StringComparison.Ordinal);
        Assert.Contains($"It is for {whom}.", shown.Body, StringComparison.Ordinal);
        Assert.Equal(200, (await support.Get("/admin/licenses")).Status);
    }

    [Fact]
    public async Task Two_servers_on_one_machine_do_not_sign_each_other_out()
    {
        await using var one = await TestServer.Run();
        await using var other = await TestServer.Run();
        var (first, second) = (await one.Owner(), await other.Owner());

        // A browser keeps the cookies of all ports together.
        foreach (var (name, value) in second.Cookies) first.Cookies[name] = value;
        foreach (var (name, value) in first.Cookies) second.Cookies[name] = value;
        Assert.True(await first.IsIn());
        Assert.True(await second.IsIn());
    }

    [Fact]
    public async Task Lets_a_browser_keep_named_files_and_no_page()
    {
        await using var server = await TestServer.Run();
        using var page = await server.Http.GetAsync("/admin/");
        using var file = await server.Http.GetAsync("/admin/admin.css");
        Assert.True(page.Headers.CacheControl!.NoStore);
        Assert.False(file.Headers.CacheControl!.NoStore);
        Assert.False(file.Headers.Contains("Pragma"));
    }

    [Fact]
    public async Task Writes_no_keys_before_somebody_comes()
    {
        await using var server = await TestServer.Run();
        var keys = Path.Combine(server.Data.Path, "secrets", "sessions");
        using var answer = await server.Http.GetAsync("/api/license/verify");
        Assert.False(Directory.Exists(keys) && Directory.EnumerateFiles(keys).Any());
    }

    static async Task<HttpStatusCode> Status(TestServer server, string path, string origin, HttpMethod? method = null)
    {
        using var request = new HttpRequestMessage(method ?? HttpMethod.Get, path);
        request.Headers.Add("Origin", origin);
        using var answer = await server.Http.SendAsync(request);
        return answer.StatusCode;
    }

    [GeneratedRegex(@"<script(?![^>]*\ssrc=)[^>]*>")]
    private static partial Regex InlineScript();

    [GeneratedRegex(@"<[^>]+\son[a-z]+\s*=")]
    private static partial Regex EventAttribute();

    [GeneratedRegex("<(?:script[^>]*\\ssrc|link[^>]*\\shref)=\"([^\"]+)\"")]
    private static partial Regex File();
}
