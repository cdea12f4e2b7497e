using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.SignIn;

namespace Latchkey.Server.Tests.Support;

sealed record Shown(int Status, string? Location, string Body, IReadOnlyList<string> SetCookies, HttpResponseMessage Answer);

/// <summary>A browser without script: it keeps cookies, and sends back the token of the last form it saw.</summary>
sealed partial class Browser(TestServer server, bool https = false, string? host = null)
{
    public const string Password = "a rather long sentence";

    public Dictionary<string, string> Cookies { get; } = [];
    public string? Token { get; set; }
    public List<(string Name, string Value)> Headers { get; } = https ? [("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "198.51.100.7")] : [];

    public Task<Shown> Get(string path) => Send(HttpMethod.Get, path, null);

    public Task<Shown> Post(string path, params (string Name, string Value)[] fields) =>
        Send(HttpMethod.Post, path, new FormUrlEncodedContent(fields.Append(("__RequestVerificationToken", Token ?? "")).Select(f => KeyValuePair.Create(f.Item1, f.Item2))));

    public Task<Shown> PostJson(string path, string json) => Send(HttpMethod.Post, path, new StringContent(json, Encoding.UTF8, "application/json"), ("RequestVerificationToken", Token ?? ""));

    public async Task<Shown> Send(HttpMethod method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (Cookies.Count > 0) request.Headers.Add("Cookie", string.Join("; ", Cookies.Select(c => $"{c.Key}={c.Value}")));
        if (host is not null) request.Headers.Host = host;
        foreach (var (name, value) in headers.Concat(Headers)) request.Headers.Add(name, value);
        var answer = await server.Http.SendAsync(request);
        var body = await answer.Content.ReadAsStringAsync();
        var set = answer.Headers.TryGetValues("Set-Cookie", out var values) ? values.ToList() : [];
        foreach (var cookie in set) Keep(cookie);
        if (TokenField().Match(body) is { Success: true } token) Token = token.Groups[1].Value;
        return new Shown((int)answer.StatusCode, answer.Headers.Location?.OriginalString, WebUtility.HtmlDecode(body), set, answer);
    }

    void Keep(string cookie)
    {
        var (name, value) = (cookie[..cookie.IndexOf('=')], cookie[(cookie.IndexOf('=') + 1)..cookie.IndexOf(';')]);
        if (value.Length == 0) Cookies.Remove(name);
        else Cookies[name] = value;
    }

    /// <summary>Follows a one-time link and chooses a password.</summary>
    public async Task<Shown> Follow(string link, string? email = null, string password = Password)
    {
        await Get(link);
        return await Post(link, [.. email is null ? [] : new[] { ("email", email) }, ("password", password), ("again", password)]);
    }

    public async Task<Shown> SignIn(string email, string password = Password, string returnTo = "/admin/account")
    {
        await Get("/admin/sign-in");
        return await Post("/admin/sign-in", ("email", email), ("password", password), ("return_to", returnTo));
    }

    /// <returns>Whether the account page is shown, and not the sign-in.</returns>
    public async Task<bool> IsIn() => (await Get("/admin/account")).Status == 200;

    /// <returns>The secret of the authenticator, and the recovery codes.</returns>
    public async Task<(string Key, string[] Codes)> TurnOnSecondFactor()
    {
        var page = await Get("/admin/account/second-factor");
        var key = Secret().Match(page.Body).Groups[1].Value.Replace(" ", "");
        var shown = await Post("/admin/account/second-factor", ("code", Totp.CodeAt(key, server.Clock.GetUtcNow())));
        Assert.Equal(200, shown.Status);
        return (key, [.. RecoveryCode().Matches(shown.Body).Select(m => m.Groups[1].Value)]);
    }

    [GeneratedRegex("""name="__RequestVerificationToken" value="([^"]+)""")]
    private static partial Regex TokenField();

    [GeneratedRegex("Secret: <code>([A-Z2-7 ]+)</code>")]
    private static partial Regex Secret();

    [GeneratedRegex("<li><code>([^<]+)</code></li>")]
    private static partial Regex RecoveryCode();
}

/// <summary>A server with operators.</summary>
static class Staff
{
    public const string Ann = "ann@example.com";

    public static string SetupLink(this TestServer server) => Links.Setup(server.Data, server.Clock)!;

    /// <summary>The first owner, signed in.</summary>
    public static async Task<Browser> Owner(this TestServer server, bool https = false, string? host = null)
    {
        var browser = new Browser(server, https, host);
        var done = await browser.Follow(server.SetupLink(), Ann);
        Assert.Equal((303, "/admin/"), (done.Status, done.Location));
        return browser;
    }

    /// <summary>One more, signed in.</summary>
    public static async Task<Browser> Colleague(this TestServer server, string email, Role role)
    {
        var browser = new Browser(server);
        var done = await browser.Follow(server.Invite(email, role), null);
        Assert.Equal((303, "/admin/"), (done.Status, done.Location));
        return browser;
    }

    public static string Invite(this TestServer server, string email, Role role) => server.OperateStaff(o => o.Invite(email, role, "").Url!);

    public static T OperateStaff<T>(this TestServer server, Func<OperatorOperations, T> action, Actor? actor = null)
    {
        using var work = UnitOfWork.Open(server.Data, server.Clock, actor ?? Actor.CommandLine());
        return action(new OperatorOperations(work));
    }

    public static List<string> Audited(this TestServer server) => server.WithDb(db => db.Audit.OrderBy(a => a.Id).Select(a => a.Action).ToList());
}
