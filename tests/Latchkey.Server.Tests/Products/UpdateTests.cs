using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Products;

/// <summary><c>/api/license/update</c> over HTTP; which release it is, <see cref="ReleaseChoiceTests"/> has.</summary>
public sealed class UpdateTests
{
    const string Path = "/api/license/update";

    static async Task<(TestServer Server, string Key)> Shop(params (string, string)[] settings)
    {
        var server = await TestServer.Run(settings);
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey!;
        Publish(server, "1.3.0", "- Bookings **repeat**.\n- <script>alert(1)</script>");
        return (server, key);
    }

    static void Publish(TestServer server, string version, string notes = "", string? channel = null) => server.Work(work => new StoreArtifact(work).Publish(
        1, new ReleaseFields(version, channel, notes), new Upload(new MemoryStream([1, 2, 3]), "product.zip")).GetAwaiter().GetResult());

    static Task<Reply> Check(TestServer server, string key, string version, params (string Name, string Value)[] headers) => Send(server, HttpMethod.Get, $"{Path}?version={version}", key, headers);

    static Task<Reply> Send(TestServer server, HttpMethod method, string path, string? key, params (string Name, string Value)[] headers)
    {
        var request = Ask.Request(method, path, key, "example.com", 1);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return server.Http.Read(request);
    }

    [Fact]
    public async Task What_is_newer_is_told_whole()
    {
        var (server, key) = await Shop();
        await using var _ = server;
        var reply = await Check(server, key, "1.2.3");
        Assert.Equal(200, reply.Status);
        Assert.Equal(
            "{\"success\":true,\"message\":\"An update is available\",\"data\":{\"update_available\":true,\"current_version\":\"1.2.3\",\"version\":\"1.3.0\",\"channel\":\"stable\","
            + "\"published_at\":\"2026-01-01T00:00:00.000000Z\",\"notes\":\"- Bookings **repeat**.\\n- <script>alert(1)</script>\","
            + "\"notes_html\":\"<ul>\\n<li>Bookings <strong>repeat</strong>.</li>\\n<li>&lt;script&gt;alert(1)&lt;/script&gt;</li>\\n</ul>\",\"minimum_version\":null,"
            + "\"file_name\":\"product.zip\",\"file_size\":3,\"sha256\":\"039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81\",\"content_type\":\"application/zip\","
            + "\"entitled\":true,\"reason\":null,\"reason_message\":null,\"newest\":null}}",
            reply.Text);
        var mint = await Send(server, HttpMethod.Post, $"{Ask.MintPath}?version=1.3.0", key);
        Assert.Equal("1.3.0", mint.Json.GetProperty("data").Text("version"));
    }

    [Fact]
    public async Task What_lies_beside_the_file_is_no_matter_here()
    {
        var (server, key) = await Shop();
        await using var _ = server;
        var data = (await Send(server, HttpMethod.Get, $"{Path}?version=1.2.3&kind=signature", key)).Json.GetProperty("data");
        Assert.Equal(("1.3.0", "product.zip"), (data.Text("version"), data.Text("file_name")));
    }

    [Fact]
    public async Task Where_nothing_is_newer_it_says_so()
    {
        var (server, key) = await Shop();
        await using var _ = server;
        var reply = await Check(server, key, "1.3.0");
        Assert.Equal("This is the newest release", reply.Json.Text("message"));
        var data = reply.Json.GetProperty("data");
        Assert.False(data.GetProperty("update_available").GetBoolean());
        Assert.All(["version", "notes", "file_size", "sha256", "entitled", "newest"], name => Assert.Equal(System.Text.Json.JsonValueKind.Null, data.GetProperty(name).ValueKind));
    }

    [Fact]
    public async Task What_the_license_may_not_have_is_told_with_the_reason_and_beside_it_what_it_may()
    {
        var (server, key) = await Shop();
        await using var _ = server;
        server.Operate(l => l.Edit("1", new EditLicense(UpdatesUntil: TestServer.Start.AddDays(10))));
        server.Clock.AdjustTime(TestServer.Start.AddDays(20));
        Publish(server, "2.0.0");
        var data = (await Check(server, key, "1.3.0")).Json.GetProperty("data");
        Assert.Equal(("2.0.0", false, "UPDATES_ENDED"), (data.Text("version"), data.GetProperty("entitled").GetBoolean(), data.Text("reason")));
        Assert.Equal("The license includes what was published up to 2026-01-11; version 2.0.0 was published on 2026-01-21", data.Text("reason_message"));

        data = (await Check(server, key, "1.0.0")).Json.GetProperty("data");
        Assert.Equal(("1.3.0", true, "2.0.0", "UPDATES_ENDED"), (
            data.Text("version"), data.GetProperty("entitled").GetBoolean(), data.GetProperty("newest").Text("version"), data.GetProperty("newest").Text("reason")));

        // What is refused here is refused there.
        var refused = await Send(server, HttpMethod.Post, $"{Ask.MintPath}?version=2.0.0", key);
        Assert.Equal((403, "NOT_ENTITLED", data.GetProperty("newest").Text("reason_message")), (refused.Status, refused.Code, refused.Json.Text("message")));
        Assert.Equal("1.3.0", (await server.Http.Mint(key, "example.com", 1)).Json.GetProperty("data").Text("version"));
        Assert.Equal(200, (await server.Http.Verify(key, "example.com", 1)).Status);
    }

    /// <summary>What a vendor publishes for one customer, no other learns of: neither what it holds nor whether it is there.</summary>
    [Fact]
    public async Task Of_a_channel_that_the_license_is_not_on_nothing_is_told()
    {
        var (server, key) = await Shop();
        await using var _ = server;
        async Task<Reply> Asked(string more = "") => await Send(server, HttpMethod.Get, $"{Path}?version=1.3.0{more}", key);
        var before = await Asked("&channel=acme-secret");
        Publish(server, "9.0.0", "For Acme alone.", "acme-secret");
        var refused = await Asked("&channel=acme-secret");
        Assert.Equal((403, "NOT_ENTITLED", "The license is on the channel stable, which does not include acme-secret"), (refused.Status, refused.Code, refused.Json.Text("message")));
        Assert.Equal(before.Text, refused.Text);
        Assert.False((await Asked()).Json.GetProperty("data").GetProperty("update_available").GetBoolean());
        var mint = await Send(server, HttpMethod.Post, $"{Ask.MintPath}?channel=acme-secret", key);
        Assert.Equal(refused.Text, mint.Text);

        server.Operate(l => l.Edit("1", new EditLicense(Channel: "acme-secret")));
        Assert.Equal("For Acme alone.", (await Asked("&channel=acme-secret")).Json.GetProperty("data").Text("notes"));
        Assert.Equal("9.0.0", (await Asked()).Json.GetProperty("data").Text("version"));
    }

    [Fact]
    public async Task A_channel_that_is_refused_binds_no_domain()
    {
        await using var server = await TestServer.Run();
        var key = server.Issue(server.AddProduct().Id).LicenseKey!;
        Assert.Equal("NOT_ENTITLED", (await Send(server, HttpMethod.Get, $"{Path}?version=1.0.0&channel=beta", key)).Code);
        Assert.Equal(200, (await server.Http.Verify(key, "another.example", 1)).Status);
    }

    [Fact]
    public async Task Who_has_the_answer_already_gets_304_until_it_changes()
    {
        var (server, key) = await Shop();
        await using var _ = server;
        var first = await Check(server, key, "1.2.3");
        var tag = first.Header("ETag")!;
        Assert.Matches("^\"[0-9a-f]{32}\"$", tag);
        foreach (var known in (string[])[tag, "W/" + tag, $"\"other\", {tag}", "*"])
        {
            var again = await Check(server, key, "1.2.3", ("If-None-Match", known));
            Assert.Equal((304, 0, tag), (again.Status, again.Bytes.Length, again.Header("ETag")));
            Assert.Null(again.Header("Content-Type"));
        }

        server.Clock.Advance(TimeSpan.FromHours(5));
        Assert.Equal(304, (await Check(server, key, "1.2.3", ("If-None-Match", tag))).Status);
        Assert.Equal(200, (await Check(server, key, "1.2.3", ("If-None-Match", "\"other\""))).Status);
        Assert.Equal(200, (await Check(server, key, "1.2.4", ("If-None-Match", tag))).Status);
        Publish(server, "1.3.1");
        Assert.Equal(200, (await Check(server, key, "1.2.3", ("If-None-Match", tag))).Status);
    }

    /// <summary>Never stale: who knows the answer is still asked for a good license.</summary>
    [Fact]
    public async Task A_tag_opens_nothing_to_a_license_that_is_suspended()
    {
        var (server, key) = await Shop();
        await using var _ = server;
        var tag = (await Check(server, key, "1.2.3")).Header("ETag")!;
        server.Operate(l => l.Suspend("1"));
        Assert.Equal("LICENSE_INACTIVE", (await Check(server, key, "1.2.3", ("If-None-Match", tag))).Code);
    }

    [Theory]
    [InlineData("", 400, "INVALID_REQUEST")]
    [InlineData("?version=", 400, "INVALID_REQUEST")]
    [InlineData("?version=soon", 400, "INVALID_REQUEST")]
    [InlineData("?version=1.0.0&version=2.0.0", 400, "CONFLICTING_INPUT")]
    [InlineData("?version=1.0.0&channel=not%20a%20channel", 400, "INVALID_REQUEST")]
    [InlineData("?version=1.0.0&platform=", 200, null)]
    [InlineData("?version=v1.0&channel=STABLE", 200, null)]
    public async Task A_version_is_needed_and_what_makes_no_sense_is_refused(string query, int status, string? code)
    {
        var (server, key) = await Shop();
        await using var _ = server;
        var reply = await Send(server, HttpMethod.Get, Path + query, key);
        Assert.Equal((status, code), (reply.Status, reply.Code));
    }

    [Fact]
    public async Task It_is_authenticated_as_verify_is()
    {
        var (server, key) = await Shop();
        await using var _ = server;
        Assert.Equal("MISSING_AUTHORIZATION", (await Send(server, HttpMethod.Get, Path + "?version=1.0.0", null)).Code);
        Assert.Equal("INVALID_LICENSE", (await Send(server, HttpMethod.Get, Path + "?version=1.0.0", "PLUG_WRONGWRONGWRONG1")).Code);
        Assert.Equal("DOMAIN_MISMATCH", (await server.Http.Read(Ask.Request(HttpMethod.Get, Path + "?version=1.0.0", key, "other.com", 1))).Code);
        Assert.Equal("PRODUCT_ID_MISMATCH", (await server.Http.Read(Ask.Request(HttpMethod.Get, Path + "?version=1.0.0", key, "example.com", 2))).Code);
        var wrong = await Send(server, HttpMethod.Put, Path + "?version=1.0.0", key);
        Assert.Equal((405, "GET, HEAD, POST"), (wrong.Status, wrong.Header("Allow")));
        var head = await Send(server, HttpMethod.Head, Path + "?version=1.0.0", key);
        Assert.Equal((200, 0), (head.Status, head.Bytes.Length));
    }

    [Fact]
    public async Task It_counts_against_the_limit_of_verify_and_so_does_304()
    {
        var (server, key) = await Shop(("RateLimit:RequestsPerMinute", "4"));
        await using var _ = server;
        var tag = (await Check(server, key, "1.2.3")).Header("ETag")!;
        Assert.Equal("2", (await Check(server, key, "1.2.3", ("If-None-Match", tag))).Header("X-RateLimit-Remaining"));
        await server.Http.Verify(key, "example.com", 1);
        await server.Http.Mint(key, "example.com", 1);
        var limited = await Check(server, key, "1.2.3", ("If-None-Match", tag));
        Assert.Equal((429, "RATE_LIMITED"), (limited.Status, limited.Code));
    }

    /// <summary>The body may name it too, as JSON or as a form; a version may be a number, as the client has it.</summary>
    [Theory]
    [InlineData("application/json", "{\"domain\":\"example.com\",\"product_id\":1,\"version\":\"1.2\"}")]
    [InlineData("application/json", "{\"domain\":\"example.com\",\"product_id\":1,\"version\":1.2}")]
    [InlineData("application/x-www-form-urlencoded", "domain=example.com&product_id=1&version=1.2")]
    public async Task The_body_may_name_it(string type, string body)
    {
        var (server, key) = await Shop();
        await using var _ = server;
        var request = Ask.Request(HttpMethod.Post, Path, key, null, null);
        request.Content = new StringContent(body, null, type);
        Assert.Equal("1.2.0", (await server.Http.Read(request)).Json.GetProperty("data").Text("current_version"));
    }

    [Fact]
    public async Task What_is_scheduled_is_there_when_its_time_has_come_and_what_is_yanked_is_gone()
    {
        var (server, key) = await Shop();
        await using var _ = server;
        var draft = server.Draft(1, "1.4.0", [1]);
        async Task<string> Newest() => (await Check(server, key, "1.0.0")).Json.GetProperty("data").Text("version");
        Assert.Equal("1.3.0", await Newest());
        server.Work(work => new ReleaseOperations(work).Publish(draft.Id, TestServer.Start.AddHours(1)));
        Assert.Equal("1.3.0", await Newest());
        server.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal("1.4.0", await Newest());
        Assert.Equal("1.4.0", (await server.Http.Mint(key, "example.com", 1)).Json.GetProperty("data").Text("version"));
        server.Work(work => new ReleaseOperations(work).Yank(draft.Id));
        Assert.Equal("1.3.0", await Newest());
        server.Work(work => new ReleaseOperations(work).Unyank(draft.Id));
        Assert.Equal("1.4.0", await Newest());
    }
}
