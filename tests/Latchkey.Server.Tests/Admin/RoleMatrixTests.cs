using System.Text;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin;

/// <summary>Every role against every operation, over HTTP with the cookie of a signed-in browser: what the server refuses, whatever a page shows.</summary>
public sealed class RoleMatrixTests
{
    /// <summary>Written out, so that a change of the code is a change here: the least role that may.</summary>
    static readonly Dictionary<string, Role> Least = new()
    {
        [Permission.ProductsRead] = Role.Viewer,
        [Permission.LicensesRead] = Role.Viewer,
        [Permission.CustomersRead] = Role.Viewer,
        [Permission.DownloadsRead] = Role.Viewer,
        [Permission.StatisticsRead] = Role.Viewer,
        [Permission.LicensesSupport] = Role.Support,
        [Permission.LicensesReveal] = Role.Support,
        [Permission.DownloadsWrite] = Role.Support,
        [Permission.ProductsWrite] = Role.Manager,
        [Permission.LicensesWrite] = Role.Manager,
        [Permission.CustomersWrite] = Role.Manager,
        [Permission.OperatorsRead] = Role.Owner,
        [Permission.OperatorsWrite] = Role.Owner,
        [Permission.ApiKeysRead] = Role.Owner,
        [Permission.ApiKeysWrite] = Role.Owner,
        [Permission.AuditRead] = Role.Owner,
        [Permission.SettingsRead] = Role.Owner,
        [""] = Role.Viewer,
    };

    static IEnumerable<(string Method, string Path, string Permission)> Operations(TestServer server) =>
        from endpoint in server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        where endpoint.RoutePattern.RawText!.StartsWith("/api/admin", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
        select (method, Concrete(endpoint.RoutePattern.RawText!), endpoint.Metadata.GetMetadata<Needs>()!.Permission);

    /// <summary>About things that do not exist: who may is told so, and nothing is changed for the next.</summary>
    static string Concrete(string route) => route.Replace("{id:long}", "987654", StringComparison.Ordinal).Replace("{fileName}", "a.zip", StringComparison.Ordinal)
        .Replace("{domain}", "example.com", StringComparison.Ordinal).TrimEnd('/');

    [Theory]
    [InlineData("viewer")]
    [InlineData("support")]
    [InlineData("manager")]
    [InlineData("owner")]
    public async Task A_role_may_do_what_is_its_own_and_is_refused_everything_else(string name)
    {
        await using var server = await TestServer.Run(("Admin:RequestsPerMinute", "0"));
        var role = RoleName.Parse(name)!.Value;
        var browser = await server.Owner();
        if (role != Role.Owner) browser = await server.Colleague("colleague@example.com", role);
        var token = await CsrfToken(browser);
        var operations = Operations(server).ToList();
        Assert.True(operations.Count > 50, $"only {operations.Count} operations");
        foreach (var (method, path, permission) in operations)
        {
            var content = method == "GET" ? null : new StringContent("{}", Encoding.UTF8, path.Contains("/files/", StringComparison.Ordinal) ? "application/octet-stream" : "application/json");
            var shown = await browser.Send(new HttpMethod(method), path, content, ("RequestVerificationToken", token));
            var mayDo = role >= Least[permission];
            Assert.True(mayDo == (shown.Status != 403), $"{name} {method} {path} ({permission}): {shown.Status} {shown.Body}");
            Assert.NotEqual(401, shown.Status);
        }
    }

    [Fact]
    public async Task What_shows_or_ends_a_key_is_refused_to_a_session_that_was_not_confirmed_lately()
    {
        await using var server = await TestServer.Run();
        server.AddProduct();
        server.Issue(1);
        var owner = await server.Owner();
        var token = await CsrfToken(owner);
        Task<Shown> Post(string path, params (string, string)[] headers) =>
            owner.Send(HttpMethod.Post, "/api/admin" + path, new StringContent("{}", Encoding.UTF8, "application/json"), [("RequestVerificationToken", token), .. headers]);
        string[] dangerous = ["/licenses/1/reveal", "/licenses/1/rotate", "/licenses/1/revoke", "/operators/1/reset", "/operators/1/disable"];
        Assert.Equal(200, (await Post("/licenses/1/reveal", ("Idempotency-Key", "look"))).Status);
        server.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(403, (await Post("/licenses/1/reveal", ("Idempotency-Key", "look"))).Status);
        foreach (var path in dangerous)
        {
            var shown = await Post(path);
            Assert.True(shown.Status == 403 && shown.Body.Contains("CONFIRMATION_REQUIRED", StringComparison.Ordinal), $"{path}: {shown.Status} {shown.Body}");
        }

        Assert.Equal(200, (await Post("/licenses/1/suspend")).Status);
        await owner.Get("/admin/confirm");
        await owner.Post("/admin/confirm", ("password", Browser.Password));
        Assert.Equal(200, (await Post("/licenses/1/rotate")).Status);
    }

    [Fact]
    public async Task Every_change_needs_the_antiforgery_token()
    {
        await using var server = await TestServer.Run(("Admin:RequestsPerMinute", "0"));
        var owner = await server.Owner();
        foreach (var (method, path, _) in Operations(server).Where(operation => operation.Method is not ("GET" or "HEAD")))
        {
            var shown = await owner.Send(new HttpMethod(method), path, new StringContent("{}", Encoding.UTF8, "application/json"));
            Assert.True(shown.Status == 400 && shown.Body.Contains("ANTIFORGERY_TOKEN_MISSING", StringComparison.Ordinal), $"{method} {path}: {shown.Status} {shown.Body}");
        }
    }

    [Fact]
    public async Task Without_cookie_or_key_nothing_is_answered()
    {
        await using var server = await TestServer.Run();
        var nobody = new Browser(server);
        foreach (var (method, path, _) in Operations(server)) Assert.Equal(401, (await nobody.Send(new HttpMethod(method), path, null)).Status);
    }

    static async Task<string> CsrfToken(Browser browser)
    {
        var shown = await browser.Get("/admin/csrf-token");
        Assert.Equal(200, shown.Status);
        return System.Text.Json.JsonDocument.Parse(shown.Body).RootElement.Text("token");
    }
}
