using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed class ReleaseCommandTests
{
    [Fact]
    public async Task A_release_is_added_published_yanked_and_listed()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        var key = (await shop.Issue(1, "--domain", "example.com", "--updates-until", "2099-12-31")).Key();
        var notes = shop.File("CHANGES.md", "- One");
        var release = await shop.Do(
            "release", "add", "--product", "1", "--version", "1.2.0", "--notes-file", notes, "--rollout", "50", "--minimum-version", "1.0.0",
            "--file", shop.File("win.zip", "windows"), "--platform", "windows", "--arch", "x64");
        Assert.Equal(("draft", "- One", 50, "1.0.0"), (release.Text("state"), release.Text("notes"), release.GetProperty("rollout_percent").GetInt32(), release.Text("minimum_version")));
        await shop.Do("release", "add-file", "1", "--file", shop.File("linux.zip", "linux"), "--file-name", "app-linux.zip", "--platform", "linux");
        await shop.Do("release", "add-file", "1", "--file", shop.File("linux.sig", "signature"), "--kind", "signature", "--beside", "2");
        await using var server = await shop.Serve();
        Assert.Equal("NO_DOWNLOADABLE_FILE", (await server.Http.Mint(key, "example.com", 1)).Code);

        Assert.Equal("published", (await shop.Do("release", "publish", "1")).Text("state"));
        var mint = await server.Http.Read(Ask.Request(HttpMethod.Post, Ask.MintPath + "?platform=linux", key, "example.com", 1));
        Assert.Equal("app-linux.zip", mint.Json.GetProperty("data").Text("file_name"));
        await shop.Do("release", "edit", "1", "--rollout", "100", "--notes", "- Two", "--channel", "beta");
        Assert.Equal("yanked", (await shop.Do("release", "yank", "1")).Text("state"));
        Assert.Equal("published", (await shop.Do("release", "unyank", "1")).Text("state"));
        var listed = Assert.Single((await shop.Do("release", "list", "--product", "1", "--channel", "beta")).EnumerateArray());
        Assert.Equal(("1.2.0", "- Two", 3), (listed.Text("version"), listed.Text("notes"), listed.GetProperty("artifacts").GetArrayLength()));
    }

    [Fact]
    public async Task The_short_form_takes_the_next_version_or_the_draft_that_is_there()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        var file = shop.File("plugin.zip", "one");
        foreach (var version in (string[])["1.0.0", "1.0.1"]) Assert.Equal(version, (await shop.Do("product", "publish", "--product", "1", "--file", file)).Text("version"));
        await shop.Do("release", "add", "--product", "1", "--version", "2.0.0", "--notes", "Two");
        var published = await shop.Do("product", "publish", "--product", "1", "--file", file, "--version", "2.0.0");
        Assert.Equal(("2.0.0", "Two", "published"), (published.Text("version"), published.Text("notes"), published.Text("state")));
        Assert.Contains("published already", await shop.Refused(1, "product", "publish", "--product", "1", "--file", file, "--version", "2.0.0"), StringComparison.Ordinal);
        Assert.Equal("beta", (await shop.Do("product", "publish", "--product", "1", "--file", file, "--version", "3.0.0-rc.1")).Text("channel"));
        Assert.Equal("2.0.1", (await shop.Do("product", "publish", "--product", "1", "--file", file)).Text("version"));
    }

    [Fact]
    public async Task A_draft_is_deleted_with_its_files_and_a_file_that_is_refused_leaves_no_draft()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        await shop.Do("release", "add", "--product", "1", "--version", "1.0.0", "--file", shop.File("a.zip", "a"));
        await shop.Do("release", "add-file", "1", "--file", shop.File("b.zip", "b"), "--platform", "linux");
        Assert.Equal("There is a release 1.0.0 already, number 1, which is a draft: go on with that, or choose another version.", await shop.Refused(1, "release", "add", "--product", "1", "--version", "1.0.0"));
        Assert.Equal(
            "Release 1.0.0 has b.zip there already: remove it first. \"latchkey release remove-file 2\" does.",
            await shop.Refused(1, "release", "add-file", "1", "--file", shop.File("c.zip", "c"), "--platform", "linux"));
        Assert.Equal(
            "Release 1.0.0 has several files: name the one that it belongs to, one of 1 (a.zip), 2 (b.zip). With --beside FILE-ID.",
            await shop.Refused(1, "release", "add-file", "1", "--file", shop.File("a.sig", "s"), "--kind", "signature"));
        await shop.Do("release", "remove-file", "2");
        Assert.Equal("Deleted draft 1.0.0.\n", (await Cli.Run(["release", "delete", "1", "--data", shop.Data])).Output);
        await shop.Refused(1, "release", "add", "--product", "1", "--version", "1.0.0", "--file", shop.File("empty.zip", ""));
        await shop.Refused(1, "release", "add", "--product", "1", "--version", "1.0.0", "--file", shop.File("a.zip", "a"), "--platform", "no such platform");
        Assert.Equal(0, (await shop.Do("release", "list")).GetArrayLength());
        Assert.Empty(shop.Stored);
    }

    [Theory]
    [InlineData("spelled 1.2.0", "release", "add", "--product", "1", "--version", "1.2")]
    [InlineData("no product 9", "release", "add", "--product", "9", "--version", "1.2.0")]
    [InlineData("no release 9", "release", "publish", "9")]
    [InlineData("1 to 100", "release", "add", "--product", "1", "--version", "1.2.0", "--rollout", "0")]
    [InlineData("There is no file", "release", "add", "--product", "1", "--version", "1.2.0", "--notes-file", "/no/such/file")]
    public async Task What_cannot_be_is_refused_in_a_sentence(string sentence, params string[] arguments)
    {
        using var shop = new Shop();
        await shop.AddProduct();
        Assert.Contains(sentence, await shop.Refused(1, arguments), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_words_are_told()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        await shop.Do("release", "add", "--product", "1", "--version", "1.0.0");
        Assert.Contains("Name what to change", await shop.Refused(2, "release", "edit", "1"), StringComparison.Ordinal);
        Assert.Contains("--at", await shop.Refused(2, "release", "publish", "1", "--at", "tomorrow"), StringComparison.Ordinal);
        Assert.Contains("--platform says something of a file", await shop.Refused(2, "release", "add", "--product", "1", "--version", "1.1.0", "--platform", "windows"), StringComparison.Ordinal);
        Assert.Contains("exclude", await shop.Refused(2, "release", "edit", "1", "--notes", "a", "--notes-file", "b"), StringComparison.Ordinal);
        Assert.Contains("2020-01-01 00:00 UTC is over: name a later one", await shop.Refused(1, "release", "publish", "1", "--at", "2020-01-01"), StringComparison.Ordinal);
        Assert.Contains("has no file yet", await shop.Refused(1, "release", "publish", "1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_license_may_have_is_set_shown_imported_and_exported()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        var license = await shop.Issue(1, "--updates-until", "2027-06-30", "--channel", "Beta");
        Assert.Equal(("2027-06-30T23:59:59.999999Z", "beta"), (license.Text("updates_until"), license.Text("channel")));
        license = await shop.Do("license", "edit", "1", "--updates-forever", "--channel", "stable");
        Assert.Equal((System.Text.Json.JsonValueKind.Null, "stable"), (license.GetProperty("updates_until").ValueKind, license.Text("channel")));
        Assert.Contains("exclude", await shop.Refused(2, "license", "edit", "1", "--updates-forever", "--updates-until", "2027-01-01"), StringComparison.Ordinal);
        Assert.Contains("channel", await shop.Refused(1, "license", "edit", "1", "--channel", "a b"), StringComparison.Ordinal);
        var csv = shop.File("l.csv", "product_id,license_key,domain,user_id,updates_until,channel\n1,IMPORTED-0001,,,2028-01-31,alpha\n1,IMPORTED-0002,,,,\n");
        await shop.Do("license", "import", "--file", csv);
        Assert.Equal(("2028-01-31T23:59:59.999999Z", "alpha"), ((await shop.Do("license", "show", "2")).Text("updates_until"), (await shop.Do("license", "show", "2")).Text("channel")));
        Assert.Equal("stable", (await shop.Do("license", "show", "3")).Text("channel"));
        csv = shop.File("bad.csv", "product_id,license_key,domain,user_id,updates_until,channel\n1,IMPORTED-0003,,,soon,a b\n");
        var refused = await shop.Refused(1, "license", "import", "--file", csv);
        Assert.Contains("updates_until is not", refused, StringComparison.Ordinal);
        Assert.Contains("channel must be", refused, StringComparison.Ordinal);
    }
}
