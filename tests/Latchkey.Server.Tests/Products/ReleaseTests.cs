using System.Security.Cryptography;
using Latchkey.Server.Products;
using Latchkey.Server.Tests.Admin.Api;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Products;

/// <summary>Releases as a vendor's build server makes them, and what customers get of them.</summary>
public sealed class ReleaseTests : IAsyncLifetime
{
    TestServer _server = null!;
    AdminClient _admin = null!;
    string _key = "";

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.Run();
        _admin = _server.Admin();
        _key = _server.Issue(_server.AddProduct().Id, "example.com").LicenseKey!;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    async Task<long> Draft(string version, object? more = null)
    {
        var release = (await _admin.Post("/products/1/releases", more ?? new { version })).Ok(201).Json;
        Assert.Equal("draft", release.Text("state"));
        return release.Id();
    }

    async Task<string> MintVersion(string query = "")
    {
        var reply = await _server.Http.Read(Ask.Request(HttpMethod.Post, Ask.MintPath + query, _key, "example.com", 1));
        return reply.Code ?? $"{reply.Json.GetProperty("data").Text("version")} {reply.Json.GetProperty("data").Text("file_name")}";
    }

    [Fact]
    public async Task A_draft_becomes_a_release_with_files_for_each_platform_and_what_lies_beside_them()
    {
        var id = await Draft("1.0.0", new { version = "1.0.0", notes = "# One\n\n[evil](javascript:alert(1)) <img src=x onerror=alert(1)>", rollout_percent = 100 });
        Assert.Equal("NO_DOWNLOADABLE_FILE", await MintVersion());
        (await _admin.Post($"/releases/{id}/publish")).Refuses(409, "RELEASE_WITHOUT_FILE");
        var content = RandomNumberGenerator.GetBytes(100_000);
        (await _admin.Put($"/releases/{id}/files/app-windows.zip?platform=Windows&arch=X64", content)).Ok(201);
        (await _admin.Put($"/releases/{id}/files/app-windows-2.zip?platform=windows&arch=x64", content)).Refuses(409, "ARTIFACT_EXISTS");
        (await _admin.Put($"/releases/{id}/files/app-windows.zip.sig?kind=signature", [1, 2, 3])).Ok(201);
        (await _admin.Put($"/releases/{id}/files/app-windows.zip.sig?kind=signature", [1, 2, 3])).Refuses(409, "ARTIFACT_EXISTS");
        (await _admin.Put($"/releases/{id}/files/app-linux.zip?platform=linux", [4, 5])).Ok(201);
        (await _admin.Put($"/releases/{id}/files/app.sbom?kind=sbom", [6])).Refuses(422, "VALIDATION_FAILED", "beside_id");
        (await _admin.Put($"/releases/{id}/files/app.sbom?kind=sbom&beside_id=9", [6])).Refuses(422, "VALIDATION_FAILED", "beside_id");
        (await _admin.Put($"/releases/{id}/files/app.sbom?kind=sbom&beside_id=1", [6])).Ok(201);
        (await _admin.Put($"/releases/{id}/files/a.zip?kind=virus", [6])).Refuses(422, "VALIDATION_FAILED", "kind");
        (await _admin.Put($"/releases/{id}/files/a.zip?platform=not%20one", [6])).Refuses(422, "VALIDATION_FAILED", "platform");
        Assert.Equal("NO_DOWNLOADABLE_FILE", await MintVersion());

        var release = (await _admin.Post($"/releases/{id}/publish")).Ok().Json;
        Assert.Equal(("published", "2026-01-01T00:00:00.000000Z"), (release.Text("state"), release.Text("published_at")));
        Assert.Equal("<h1>One</h1>\n<p><a>evil</a> &lt;img src=x onerror=alert(1)&gt;</p>", release.Text("notes_html"));
        Assert.Equal("RELEASE_NOT_FOUND", await MintVersion());
        Assert.Equal("1.0.0 app-linux.zip", await MintVersion("?platform=LINUX&arch=riscv64"));
        Assert.Equal("RELEASE_NOT_FOUND", await MintVersion("?platform=macos"));
        Assert.Equal("1.0.0 app-windows.zip", await MintVersion("?platform=windows&arch=x64"));
        Assert.Equal("1.0.0 app-windows.zip.sig", await MintVersion("?platform=windows&arch=x64&kind=signature"));
        Assert.Equal("1.0.0 app.sbom", await MintVersion("?platform=windows&kind=sbom"));
        Assert.Equal("RELEASE_NOT_FOUND", await MintVersion("?platform=linux&kind=signature"));
        var link = await _server.Http.Read(Ask.Request(HttpMethod.Post, Ask.MintPath + "?platform=windows&arch=x64", _key, "example.com", 1));
        Assert.Equal(content, (await _server.Http.Get(new Uri(link.Json.GetProperty("data").Text("download_url")).AbsolutePath)).Bytes);
    }

    /// <summary>An updater that fetches a file, and then its signature, must not get the one of another version.</summary>
    [Fact]
    public async Task A_signature_is_of_the_release_that_the_file_would_be_of()
    {
        var signed = await Draft("1.0.0");
        (await _admin.Put($"/releases/{signed}/files/app.zip", [1])).Ok(201);
        (await _admin.Put($"/releases/{signed}/files/app.zip.sig?kind=signature", [2])).Ok(201);
        (await _admin.Post($"/releases/{signed}/publish")).Ok();
        Assert.Equal("1.0.0 app.zip.sig", await MintVersion("?kind=signature"));
        _server.Publish(1, [3], version: "1.1.0");
        Assert.Equal("1.1.0 product.zip", await MintVersion());
        var refused = await _server.Http.Read(Ask.Request(HttpMethod.Post, Ask.MintPath + "?kind=signature", _key, "example.com", 1));
        Assert.Equal((404, "RELEASE_NOT_FOUND", "Release 1.1.0 has no signature for product.zip"), (refused.Status, refused.Code, refused.Json.Text("message")));
        Assert.Equal("1.0.0 app.zip.sig", await MintVersion("?kind=signature&version=1.0.0"));
    }

    [Fact]
    public async Task What_is_published_stays_as_it_is()
    {
        var id = _server.Publish(1, [1, 2, 3], version: "1.0.0").Id;
        (await _admin.Post($"/releases/{id}/publish")).Refuses(409, "RELEASE_PUBLISHED");
        (await _admin.Delete($"/releases/{id}")).Refuses(409, "RELEASE_PUBLISHED");
        (await _admin.Delete("/releases/files/1")).Refuses(409, "RELEASE_PUBLISHED");
        (await _admin.Patch($"/releases/{id}", new { version = "1.0.1" })).Refuses(409, "RELEASE_PUBLISHED");
        (await _admin.Put($"/releases/{id}/files/product.zip", [9])).Refuses(409, "ARTIFACT_EXISTS");
        (await _admin.Put("/products/1/files/product.zip?version=1.0.0", [9])).Refuses(409, "RELEASE_PUBLISHED");
        (await _admin.Post("/products/1/releases", new { version = "1.0.0+build.2" })).Refuses(409, "RELEASE_PUBLISHED");
        Assert.Equal([1, 2, 3], (await _server.Http.Get(await _server.Http.MintPathOf(_key, "example.com", 1))).Bytes);

        // Its text and its reach may change, and a file for one more platform may come.
        (await _admin.Patch($"/releases/{id}", new { notes = "New", rollout_percent = 10, channel = "beta", minimum_version = "0.5.0" })).Ok();
        (await _admin.Put($"/releases/{id}/files/mac.zip?platform=macos", [9])).Ok(201);
        Assert.Equal("NO_DOWNLOADABLE_FILE", await MintVersion());
    }

    [Fact]
    public async Task A_draft_can_be_changed_and_deleted_and_leaves_no_file_behind()
    {
        var id = await Draft("1.0.0");
        (await _admin.Put($"/releases/{id}/files/a.zip", [1])).Ok(201);
        (await _admin.Put($"/releases/{id}/files/a.sig?kind=signature", [2])).Ok(201);
        (await _admin.Patch($"/releases/{id}", new { version = "2.0.0-beta.1" })).Ok();
        Assert.Equal(2, Directory.GetFiles(_server.Files.Place, "*", SearchOption.AllDirectories).Length);
        (await _admin.Delete("/releases/files/1")).Ok();
        Assert.Empty(Directory.GetFiles(_server.Files.Place, "*", SearchOption.AllDirectories));
        (await _admin.Put($"/releases/{id}/files/a.zip", [1])).Ok(201);
        (await _admin.Delete($"/releases/{id}")).Ok();
        Assert.Empty(Directory.GetFiles(_server.Files.Place, "*", SearchOption.AllDirectories));
        (await _admin.Get($"/releases/{id}")).Refuses(404, "RELEASE_NOT_FOUND");
    }

    [Fact]
    public async Task A_release_that_waits_for_its_time_can_be_changed_and_deleted_until_then()
    {
        var id = await Draft("1.0.0");
        (await _admin.Put($"/releases/{id}/files/a.zip", [1])).Ok(201);
        (await _admin.Post($"/releases/{id}/publish", new { published_at = "2026-01-01T01:00:00Z" })).Ok();
        Assert.Equal("scheduled", (await _admin.Patch($"/releases/{id}", new { version = "1.0.1" })).Ok().Json.Text("state"));
        (await _admin.Delete("/releases/files/1")).Refuses(409, "RELEASE_PUBLISHED");
        (await _admin.Delete($"/releases/{id}")).Ok();
        Assert.Empty(Directory.GetFiles(_server.Files.Place, "*", SearchOption.AllDirectories));

        var next = await Draft("1.0.2");
        (await _admin.Put($"/releases/{next}/files/a.zip", [1])).Ok(201);
        (await _admin.Post($"/releases/{next}/publish", new { published_at = "2026-01-01T01:00:00Z" })).Ok();
        _server.Clock.Advance(TimeSpan.FromHours(1));
        (await _admin.Patch($"/releases/{next}", new { version = "1.0.3" })).Refuses(409, "RELEASE_PUBLISHED");
        (await _admin.Delete($"/releases/{next}")).Refuses(409, "RELEASE_PUBLISHED");
    }

    [Fact]
    public async Task A_yanked_release_is_gone_and_its_links_are_dead_until_that_is_taken_back()
    {
        _server.Publish(1, [1], version: "1.0.0");
        var bad = _server.Publish(1, new byte[200_000], version: "1.1.0").Id;
        var (fresh, half) = (await _server.Http.MintPathOf(_key, "example.com", 1), await _server.Http.MintPathOf(_key, "example.com", 1));
        Assert.Equal(206, (await _server.Http.Get(half, ("Range", "bytes=0-9"))).Status);
        (await _admin.Post($"/releases/{bad}/yank")).Ok();
        Assert.Equal("1.0.0 product.zip", await MintVersion());
        Assert.Equal("RELEASE_NOT_FOUND", await MintVersion("?version=1.1.0"));
        foreach (var link in (string[])[fresh, half]) Assert.Equal((410, "DOWNLOAD_TOKEN_EXPIRED"), await Answer(link));
        (await _admin.Post($"/releases/{bad}/unyank")).Ok();
        Assert.Equal("1.1.0 product.zip", await MintVersion());
        foreach (var link in (string[])[fresh, half]) Assert.Equal((200, null), await Answer(link));
    }

    async Task<(int, string?)> Answer(string path)
    {
        var reply = await _server.Http.Get(path);
        return (reply.Status, reply.Code);
    }

    [Fact]
    public async Task The_newest_is_the_highest_version_not_the_last_that_was_published()
    {
        _server.Publish(1, [1], version: "1.10.0");
        _server.Publish(1, [2], version: "1.9.0");
        _server.Publish(1, [3], version: "1.10.0-beta.1");
        Assert.Equal("1.10.0 product.zip", await MintVersion());
        Assert.Equal(["1.10.0", "1.10.0-beta.1", "1.9.0"], (await _admin.Get("/products/1/releases")).Items().Select(item => item.Text("version")));
        Assert.Equal(["beta"], (await _admin.Get("/releases?channel=beta")).Items().Select(item => item.Text("channel")));
        Assert.Equal("1.10.0", (await _admin.Get("/products/1")).Json.GetProperty("file").Text("version"));
    }

    [Theory]
    [InlineData("1.0", "/version", "1.0.0")]
    [InlineData("v1.0.0", "/version", "1.0.0")]
    [InlineData("latest", "/version", "SemVer")]
    [InlineData("", "/version", "1.2.3")]
    public async Task A_version_must_be_one_and_the_answer_says_how_it_is_spelled(string version, string field, string hint)
    {
        var reply = await _admin.Post("/products/1/releases", new { version });
        reply.Refuses(422, "VALIDATION_FAILED", field);
        Assert.Contains(hint == "SemVer" ? "Semantic Versioning" : hint, reply.Text);
    }

    [Fact]
    public async Task Every_wrong_field_is_pointed_to()
    {
        var reply = await _admin.Post("/products/1/releases", new { version = "x", channel = "a b", rollout_percent = 0, minimum_version = "y", notes = new string('n', ReleaseNotes.MaxLength + 1) });
        Assert.Equal(["/version", "/channel", "/notes", "/rollout_percent", "/minimum_version"], reply.Fields());
    }

    [Theory]
    [InlineData("2.0.0")]
    [InlineData("2.0.0+build.1")]
    [InlineData("3.0.0-beta.1")]
    public async Task A_minimum_version_is_lower_than_the_release_itself(string minimum_version)
    {
        (await _admin.Post("/products/1/releases", new { version = "2.0.0", minimum_version })).Refuses(422, "VALIDATION_FAILED", "/minimum_version");
        var id = await Draft("2.0.0", new { version = "2.0.0", minimum_version = "2.0.0-rc.1" });
        (await _admin.Patch($"/releases/{id}", new { minimum_version })).Refuses(422, "VALIDATION_FAILED", "/minimum_version");
        (await _admin.Patch($"/releases/{id}", new { version = "1.0.0" })).Refuses(422, "VALIDATION_FAILED", "/minimum_version");
        (await _admin.Patch($"/releases/{id}", new { version = "1.0.0", minimum_version = "" })).Ok();
    }

    [Theory]
    [InlineData(">", 130)]
    [InlineData("[", 130)]
    [InlineData("1. ", 3_000)]
    public async Task Notes_that_are_nested_too_deeply_are_refused_with_a_pointer(string part, int times)
    {
        var notes = string.Concat(Enumerable.Repeat(part, times)) + " a";
        (await _admin.Post("/products/1/releases", new { version = "1.0.0", notes })).Refuses(422, "VALIDATION_FAILED", "/notes");
        (await _admin.Patch($"/releases/{await Draft("1.0.0")}", new { notes })).Refuses(422, "VALIDATION_FAILED", "/notes");
    }

    /// <summary>Brackets take the square of their number.</summary>
    [Fact]
    public async Task The_longest_notes_are_taken_and_one_character_more_is_not()
    {
        var notes = string.Concat(Enumerable.Repeat("[a](b", 2_000));
        Assert.Equal(notes, (await _admin.Post("/products/1/releases", new { version = "1.0.0", notes })).Ok(201).Json.Text("notes"));
        var refused = await _admin.Post("/products/1/releases", new { version = "2.0.0", notes = notes + "[" });
        refused.Refuses(422, "VALIDATION_FAILED", "/notes");
        Assert.Contains("at most 10,000 characters", refused.Text);
    }

    [Theory]
    [InlineData("[a](//evil.example)", "<p><a>a</a></p>")]
    [InlineData("[a](/admin/account)", "<p><a>a</a></p>")]
    [InlineData("[a](account)", "<p><a>a</a></p>")]
    [InlineData("[a](#top)", "<p><a>a</a></p>")]
    [InlineData("[a](?x=1)", "<p><a>a</a></p>")]
    [InlineData("[a](https:account)", "<p><a>a</a></p>")]
    [InlineData("[a](https:/account)", "<p><a>a</a></p>")]
    [InlineData("[a](ftp://files.example/)", "<p><a>a</a></p>")]
    [InlineData("[a][1]\n\n[1]: /admin", "<p><a>a</a></p>")]
    [InlineData("[a](HTTPS://docs.example/page?x=1#y)", "<p><a href=\"HTTPS://docs.example/page?x=1#y\">a</a></p>")]
    [InlineData("[a](http://docs.example)", "<p><a href=\"http://docs.example\">a</a></p>")]
    [InlineData("[a](mailto:help@example.com)", "<p><a href=\"mailto:help@example.com\">a</a></p>")]
    [InlineData("https://docs.example/new", "<p><a href=\"https://docs.example/new\">https://docs.example/new</a></p>")]
    public async Task A_link_in_the_notes_leads_to_the_web_or_nowhere(string notes, string html) =>
        Assert.Equal(html, (await _admin.Post("/products/1/releases", new { version = "1.0.0", notes })).Ok(201).Json.Text("notes_html"));

    [Theory]
    [InlineData("1.0.0", "stable")]
    [InlineData("1.0.0-alpha", "alpha")]
    [InlineData("1.0.0-dev.20260101", "dev")]
    [InlineData("1.0.0-rc.1", "beta")]
    public async Task A_pre_release_is_not_stable_unless_the_vendor_says_so(string version, string channel)
    {
        Assert.Equal(channel, (await _admin.Post("/products/1/releases", new { version })).Ok(201).Json.Text("channel"));
        Assert.Equal("stable", (await _admin.Post("/products/1/releases", new { version = version.Replace("1.", "2."), channel = "Stable" })).Ok(201).Json.Text("channel"));
    }

    [Fact]
    public async Task An_operator_makes_a_link_by_the_same_rules()
    {
        _server.Publish(1, [1], version: "1.0.0");
        _server.Publish(1, [1], version: "2.0.0-beta.1");
        Assert.Equal("1.0.0", (await _admin.Post("/licenses/1/download-tokens")).Ok(201).Json.Text("version"));
        (await _admin.Post("/licenses/1/download-tokens", new { version = "2.0.0-beta.1" })).Refuses(409, "NOT_ENTITLED");
        (await _admin.Post("/licenses/1/download-tokens", new { version = "3.0.0" })).Refuses(404, "RELEASE_NOT_FOUND");
        (await _admin.Patch("/licenses/1", new { channel = "beta" })).Ok();
        Assert.Equal("2.0.0-beta.1", (await _admin.Post("/licenses/1/download-tokens")).Ok(201).Json.Text("version"));
    }

    [Fact]
    public async Task Two_who_publish_the_same_version_at_once_make_one_release()
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => _admin.Put($"/products/1/files/p{i}.zip?version=1.0.0", [(byte)i])));
        Assert.Single(replies, reply => reply.Status == 201);
        Assert.All(replies.Where(reply => reply.Status != 201), reply => reply.Refuses(409, "RELEASE_PUBLISHED"));
        Assert.Single(Directory.GetFiles(_server.Files.Place, "*", SearchOption.AllDirectories));
    }
}
