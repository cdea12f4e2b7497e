using System.Security.Cryptography;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed class PublishCommandTests(OneProduct one) : IClassFixture<OneProduct>
{
    [Fact]
    public async Task Copies_the_file_and_says_its_name_size_type_version_and_hash()
    {
        using var shop = new Shop();
        var content = RandomNumberGenerator.GetBytes(3_000_001);
        await shop.AddProduct();
        var path = shop.File("plugin 1.2.zip", content);
        var release = await shop.Do("product", "publish", "--product", "1", "--file", path, "--version", "1.2.0");
        var file = release.GetProperty("artifacts")[0];
        Assert.Equal(("plugin 1.2.zip", "application/zip", "1.2.0", "published"), (file.Text("file_name"), file.Text("content_type"), release.Text("version"), release.Text("state")));
        Assert.Equal(content.Length, file.GetProperty("file_size").GetInt64());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), file.Text("sha256"));

        File.Delete(path);
        Assert.Equal(content, File.ReadAllBytes(Assert.Single(shop.Stored)));
        Assert.Equal(0, (await shop.Run("doctor")).Status);
    }

    [Fact]
    public async Task The_newest_file_is_the_download_from_the_next_request_on()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        await shop.AddProduct();
        var key = (await shop.Issue(1, "--domain", "example.com")).Key();
        await using var server = await shop.Serve();
        Assert.Equal("NO_DOWNLOADABLE_FILE", (await server.Http.Mint(key, "example.com", 1)).Code);

        await shop.Publish(1, "one"u8.ToArray(), "one.zip");
        var before = await server.Http.MintPathOf(key, "example.com", 1);
        await shop.Do("product", "publish", "--product", "1", "--file", shop.File("two.bin", "two"), "--file-name", "plugin.zip");
        await shop.Publish(2, "other"u8.ToArray(), "other.zip");
        var after = await server.Http.MintPathOf(key, "example.com", 1);

        var (old, current) = (await server.Http.Get(before), await server.Http.Get(after));
        Assert.Equal(("one", "two"), (old.Text, current.Text));
        Assert.StartsWith("attachment; filename=\"one.zip\"", old.Header("Content-Disposition"), StringComparison.Ordinal);
        Assert.StartsWith("attachment; filename=\"plugin.zip\"", current.Header("Content-Disposition"), StringComparison.Ordinal);
        Assert.Equal("plugin.zip", (await shop.Do("product", "show", "1")).GetProperty("file").Text("file_name"));
    }

    [Theory]
    [InlineData("../evil.zip")]
    [InlineData("/etc/passwd")]
    [InlineData("a\\b.zip")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("two\nlines.zip")]
    [InlineData("esc\u001b[31m.zip")]
    [InlineData("piz.\u202Eexe")]
    public async Task A_file_name_that_could_be_a_path_or_a_trick_is_refused(string name)
    {
        var sentence = await one.Shop.Refused(1, "product", "publish", "--product", "1", "--file", one.Shop.File("a.zip", "a"), "--file-name", name);
        Assert.Contains("--file-name", sentence, StringComparison.Ordinal);
        Assert.Empty(one.Shop.Stored);
        Assert.Equal(0L, Tables.Query<long>(one.Shop.Database, "SELECT count(*) FROM artifacts"));
    }

    [Fact]
    public async Task Longer_names_than_200_characters_are_refused_and_foreign_letters_are_not()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        var path = shop.File("a.zip", "a");
        Assert.Contains("200", await shop.Refused(1, "product", "publish", "--product", "1", "--file", path, "--file-name", new string('a', 201)), StringComparison.Ordinal);
        var file = await shop.Do("product", "publish", "--product", "1", "--file", path, "--file-name", "größe 雪 \"1\".zip");
        Assert.Equal("größe 雪 \"1\".zip", file.GetProperty("artifacts")[0].Text("file_name"));
    }

    [Fact]
    public async Task What_is_no_file_with_something_in_it_is_refused_and_leaves_nothing_behind()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        var missing = Path.Combine(shop.Home, "missing.zip");
        Assert.Contains(missing, await shop.Refused(1, "product", "publish", "--product", "1", "--file", missing), StringComparison.Ordinal);
        Assert.Contains("directory", await shop.Refused(1, "product", "publish", "--product", "1", "--file", shop.Home), StringComparison.Ordinal);
        Assert.Contains("empty", await shop.Refused(1, "product", "publish", "--product", "1", "--file", shop.File("empty.zip", "")), StringComparison.Ordinal);
        Assert.Contains("no product 9", await shop.Refused(1, "product", "publish", "--product", "9", "--file", shop.File("a.zip", "a")), StringComparison.Ordinal);
        Assert.Empty(shop.Stored);
    }
}
