using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed class ProductCommandTests(OneProduct one) : IClassFixture<OneProduct>
{
    [Fact]
    public async Task Add_with_the_usual_values_answers_with_all_of_them()
    {
        using var shop = new Shop();
        var product = await shop.Do("product", "add", "--name", "  Your Product  ", "--prefix", "ACME_");
        Assert.Equal(1, product.Id());
        Assert.Equal("Your Product", product.Text("name"));
        Assert.Equal("ACME", product.Text("prefix"));
        Assert.Equal(16, product.GetProperty("key_length").GetInt32());
        Assert.True(product.GetProperty("api_download").GetBoolean());
        Assert.True(product.GetProperty("bind_on_first_use").GetBoolean());
        Assert.Matches("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z$", product.Text("created_at"));
    }

    [Fact]
    public async Task An_id_can_be_chosen_and_the_next_one_follows_it()
    {
        using var shop = new Shop();
        Assert.Equal(4711, await shop.AddProduct("--id", "4711"));
        Assert.Equal(4712, await shop.AddProduct());
        Assert.Contains("4711", await shop.Refused(1, "product", "add", "--name", "Y", "--prefix", "Y", "--id", "4711"), StringComparison.Ordinal);
        Assert.Equal(3, await shop.AddProduct("--id", "3"));
        Assert.Equal([3, 4711, 4712], (await shop.Do("product", "list")).EnumerateArray().Select(p => p.Id()));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(64)]
    public async Task Keys_are_the_prefix_and_as_many_characters_as_the_product_asks(int length)
    {
        using var shop = new Shop();
        var product = await shop.AddProduct("--key-length", length.ToString());
        for (var i = 0; i < 3; i++) Assert.Matches($"^PLUG_[A-Z0-9]{{{length}}}$", (await shop.Issue(product)).Key());
        Assert.Matches($"^PLUG_[A-Z0-9]{{{length}}}$", (await shop.Do("license", "rotate", "1")).Key());
    }

    [Theory]
    [InlineData("--key-length", "15", "16 to 64")]
    [InlineData("--key-length", "65", "16 to 64")]
    [InlineData("--prefix", "A B", "letters")]
    [InlineData("--prefix", "Ä", "letters")]
    [InlineData("--prefix", "", "1 to 32")]
    [InlineData("--prefix", "AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDD", "1 to 32")]
    [InlineData("--name", "", "1 to 200")]
    [InlineData("--name", " ", "1 to 200")]
    [InlineData("--name", "two\nlines", "1 to 200")]
    public async Task A_value_that_cannot_be_is_refused_with_what_it_may_be(string option, string value, string allowed)
    {
        Assert.Contains(allowed, await one.Shop.Refused(1, "product", "edit", "1", option, value), StringComparison.Ordinal);
        var given = new Dictionary<string, string> { ["--name"] = "X", ["--prefix"] = "X", [option] = value };
        Assert.Contains(allowed, await one.Shop.Refused(1, ["product", "add", .. given.SelectMany(pair => new[] { pair.Key, pair.Value })]), StringComparison.Ordinal);
        Assert.Equal("Plugin PLUG 16", Tables.Query<string>(one.Shop.Database, "SELECT group_concat(name || ' ' || key_prefix || ' ' || key_length) FROM products"));
    }

    [Fact]
    public async Task Switches_say_no_and_edit_says_yes_again_and_leaves_the_rest()
    {
        using var shop = new Shop();
        var id = (await shop.AddProduct("--no-api-download", "--no-bind-on-first-use", "--key-length", "20")).ToString();
        var product = await shop.Do("product", "show", id);
        Assert.False(product.GetProperty("api_download").GetBoolean());
        Assert.False(product.GetProperty("bind_on_first_use").GetBoolean());

        await shop.Do("product", "edit", id, "--api-download");
        product = await shop.Do("product", "edit", id, "--name", "Plugin Pro");
        Assert.True(product.GetProperty("api_download").GetBoolean());
        Assert.False(product.GetProperty("bind_on_first_use").GetBoolean());
        Assert.Equal(("Plugin Pro", "PLUG", 20), (product.Text("name"), product.Text("prefix"), product.GetProperty("key_length").GetInt32()));

        product = await shop.Do("product", "edit", id, "--bind-on-first-use", "--prefix", "PRO", "--key-length", "32");
        Assert.True(product.GetProperty("bind_on_first_use").GetBoolean());
        Assert.Matches("^PRO_[A-Z0-9]{32}$", (await shop.Issue(long.Parse(id))).Key());
    }

    [Fact]
    public async Task Edit_of_nothing_is_wrong_usage()
    {
        Assert.Contains("--help", await one.Shop.Refused(2, "product", "edit", "1"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("product", "show", "9")]
    [InlineData("product", "edit", "9", "--name", "X")]
    [InlineData("license", "issue", "--product", "9")]
    public async Task A_product_that_is_not_there_is_named_with_what_to_do(params string[] line)
    {
        var sentence = await one.Shop.Refused(1, line);
        Assert.Contains("no product 9", sentence, StringComparison.Ordinal);
        Assert.Contains("product list", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_is_a_table_for_people_and_an_array_as_json()
    {
        using var shop = new Shop();
        await shop.AddProduct("--id", "7");
        await shop.Issue(7);
        var table = (await shop.Run("product", "list")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Matches("^ID +NAME +PREFIX +LICENSES +FILE$", table[0]);
        Assert.Matches("^7 +Plugin +PLUG +1 +none published$", table[1]);
        var product = Assert.Single((await shop.Do("product", "list")).EnumerateArray());
        Assert.Equal((7, 1), (product.Id(), product.GetProperty("licenses").GetInt32()));
    }

    [Fact]
    public async Task An_empty_list_says_what_to_type_next()
    {
        using var shop = new Shop();
        await shop.AddProduct();
        Assert.Contains("latchkey license issue", (await shop.Run("license", "list")).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await shop.Do("license", "list")).GetArrayLength());
    }
}
