using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed class ImportCommandTests : IAsyncLifetime, IDisposable
{
    readonly Shop _shop = new();

    public async ValueTask InitializeAsync() => await _shop.AddProduct();

    long Licenses => Tables.Query<long>(_shop.Database, "SELECT count(*) FROM licenses");

    public void Dispose() => _shop.Dispose();

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    Task<System.Text.Json.JsonElement> Import(string text) => _shop.Do("license", "import", "--file", _shop.File("licenses.csv", text));

    /// <returns>The sentences, one a line.</returns>
    async Task<string[]> Refused(string text)
    {
        var before = Licenses;
        var sentence = await _shop.Refused(1, "license", "import", "--file", _shop.File("licenses.csv", text));
        Assert.Contains("Nothing was imported", sentence, StringComparison.Ordinal);
        Assert.Equal(before, Licenses);
        return sentence.Split('\n');
    }

    [Fact]
    public async Task Takes_over_key_domain_customer_number_and_times()
    {
        await _shop.AddProduct("--id", "7");
        var answer = await Import("""
            product_id,license_key,domain,user_id,expires_at,created_at
            7,OLD_Shop-0001,https://www.Example.com/shop,123,2031-12-31,2020-02-03T04:05:06.789012Z
            1,OLD_Shop-0002,*.example.org,,,2020-02-03

            1,OLD_Shop-0003,,0,2031-12-31T10:00:00+02:00,

            """);
        Assert.Equal(3, answer.GetProperty("imported").GetInt32());

        var license = await _shop.Do("license", "show", "OLD_Shop-0001");
        Assert.Equal((7, 123), (license.GetProperty("product_id").GetInt64(), license.GetProperty("user_id").GetInt64()));
        Assert.Equal(["example.com"], license.Domains());
        Assert.Equal(("2031-12-31T23:59:59.999999Z", "2020-02-03T04:05:06.789012Z"), (license.Text("expires_at"), license.Text("created_at")));

        license = await _shop.Do("license", "show", "OLD_Shop-0002");
        Assert.Equal(["*.example.org"], license.Domains());
        Assert.Equal("2020-02-03T00:00:00.000000Z", license.Text("created_at"));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, license.GetProperty("user_id").ValueKind);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, license.GetProperty("expires_at").ValueKind);

        license = await _shop.Do("license", "show", "OLD_Shop-0003");
        Assert.Empty(license.Domains());
        Assert.Equal("2031-12-31T08:00:00.000000Z", license.Text("expires_at"));
    }

    [Fact]
    public async Task Columns_stand_in_any_order_and_the_times_may_be_left_out()
    {
        await Import("license_key,user_id,domain,product_id\nKEY-00001,5,example.com,1\n");
        var license = await _shop.Do("license", "show", "KEY-00001");
        Assert.Equal(5, license.GetProperty("user_id").GetInt64());
        Assert.Equal(["example.com"], license.Domains());
    }

    [Theory]
    [InlineData("product_id,license_key,domain,user_id\r\n1,KEY-00001,example.com,5\r\n")]
    [InlineData("product_id,license_key,domain,user_id\n1,KEY-00001,example.com,5")]
    [InlineData("\uFEFFproduct_id,license_key,domain,user_id\n1,KEY-00001,example.com,5\n")]
    [InlineData("\"product_id\",\"license_key\",\"domain\",\"user_id\"\n\"1\",\"KEY-00001\",\"example.com\",\"5\"\n")]
    [InlineData("product_id, license_key, domain, user_id\n 1 , KEY-00001 , example.com , 5 \n")]
    public async Task Files_come_as_spreadsheets_write_them(string text)
    {
        await Import(text);
        var license = await _shop.Do("license", "show", "KEY-00001");
        Assert.Equal(("KEY-00001", 5), (license.Key(), license.GetProperty("user_id").GetInt64()));
        Assert.Equal(["example.com"], license.Domains());
    }

    [Fact]
    public async Task Every_bad_line_is_named_by_its_number_and_none_is_imported()
    {
        await _shop.Issue(1, "--key", "THERE-ALREADY");
        var lines = await Refused("""
            product_id,license_key,domain,user_id,expires_at,created_at
            1,GOOD-00001,example.com,1,,
            one,GOOD-00002,example.com,1,,
            9,GOOD-00003,example.com,1,,
            1,SHORT,example.com,1,,

            1,WITH SPACE,example.com,1,,
            1,GOOD-00004,exa mple.com,1,,
            1,GOOD-00005,example.com,five,,
            1,GOOD-00006,example.com,1,tomorrow,
            1,GOOD-00007,example.com,1,,31.12.2020
            1,GOOD-00001,example.com,1,,
            1,THERE-ALREADY,example.com,1,,
            1,GOOD-00008,example.com
            1,GOOD-00009,example.com,1,,,7
            1,GOOD-00010,example.com,1,2031-01-01,2020-01-01
            """);
        string[] expected =
        [
            "line 3: product_id", "line 4: there is no product 9", "line 5: license_key", "line 7: license_key", "line 8: domain", "line 9: user_id",
            "line 10: expires_at", "line 11: created_at", "line 12: the same license_key", "line 13: there is a license", "line 14: it has 3 fields",
            "line 15: it has 7 fields", "Nothing was imported: 12 bad lines",
        ];
        Assert.Equal(expected.Length, lines.Length);
        Assert.All(expected.Zip(lines), pair => Assert.StartsWith(pair.First, pair.Second, StringComparison.Ordinal));
        Assert.DoesNotContain("GOOD-", string.Join('\n', lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Quoted_fields_may_hold_commas_and_line_breaks_and_the_numbers_of_later_lines_stay_right()
    {
        var lines = await Refused("product_id,license_key,domain,user_id\n1,\"KEY,00001\",example.com,1\n1,\"KEY-\n00002\",example.com,1\n1,short,example.com,1\n");
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("line 2: license_key", lines[0], StringComparison.Ordinal);
        Assert.Matches("^line [34]: license_key", lines[1]);
        Assert.StartsWith("line 5: license_key", lines[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "product_id")]
    [InlineData("product_id,license_key,domain\n1,KEY-00001,example.com\n", "user_id is missing")]
    [InlineData("product_id,license_key,domain,user_id,price\n1,KEY-00001,example.com,5,9\n", "no column \"price\"")]
    [InlineData("product_id;license_key;domain;user_id\n1;KEY-00001;example.com;5\n", "product_id is missing")]
    [InlineData("1,KEY-00001,example.com,5\n", "product_id is missing")]
    [InlineData("product_id,license_key,domain,user_id,user_id\n1,KEY-00001,example.com,5,6\n", "user_id")]
    public async Task A_header_line_that_is_not_understood_is_refused_with_the_columns_there_are(string text, string wrong)
    {
        var lines = await Refused(text);
        Assert.Contains(wrong, string.Join('\n', lines), StringComparison.Ordinal);
        Assert.Contains("product_id,license_key,domain,user_id[,expires_at][,created_at]", string.Join('\n', lines), StringComparison.Ordinal);
        Assert.All(lines[..^1], line => Assert.StartsWith("line 1: ", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_quote_that_is_never_closed_is_refused()
    {
        Assert.NotEmpty(await Refused("product_id,license_key,domain,user_id\n1,KEY-00001,example.com,5\n1,\"KEY-00002,example.com,5\n1,KEY-00003,example.com,5\n"));
    }

    [Fact]
    public async Task What_is_no_file_is_refused()
    {
        var missing = Path.Combine(_shop.Home, "missing.csv");
        Assert.Contains(missing, await _shop.Refused(1, "license", "import", "--file", missing), StringComparison.Ordinal);
        Assert.Contains(_shop.Home, await _shop.Refused(1, "license", "import", "--file", _shop.Home), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hundred_thousand_lines_come_in_whole()
    {
        const int many = 100_000;
        var text = "product_id,license_key,domain,user_id,expires_at\n" + string.Concat(Enumerable.Range(1, many).Select(i => $"1,BULK-{i:D8},shop{i}.example.com,{i},2031-12-31\n"));
        var answer = await Import(text);
        Assert.Equal(many, answer.GetProperty("imported").GetInt32());
        Assert.Equal(many, (await _shop.Do("product", "show", "1")).GetProperty("licenses").GetInt32());
        await using var server = await _shop.Serve();
        foreach (var i in new[] { 1, 50_000, many }) Assert.Equal(200, (await server.Http.Verify($"BULK-{i:D8}", $"shop{i}.example.com", 1)).Status);
    }

    [Fact]
    public async Task Killed_at_any_moment_leaves_all_or_none()
    {
        const int many = 20_000;
        var file = _shop.File("bulk.csv", "product_id,license_key,domain,user_id\n" + string.Concat(Enumerable.Range(1, many).Select(i => $"1,BULK-{i:D8},,\n")));
        System.Diagnostics.Process Import(Shop into) => Cli.Start(["license", "import", "--file", file, "--data", into.Data], []);

        // At each part of the time that it takes on this machine: a fixed time may be over before anything is written.
        using var other = new Shop();
        await other.AddProduct();
        var began = TimeProvider.System.GetTimestamp();
        using (var whole = Import(other))
        {
            await whole.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, whole.ExitCode);
        }

        var took = TimeProvider.System.GetElapsedTime(began);
        for (var part = 2; part <= 10; part++)
        {
            using var import = Import(_shop);
            await Task.Delay(took * part / 10, TestContext.Current.CancellationToken);
            import.Kill();
            await import.WaitForExitAsync(TestContext.Current.CancellationToken);
            var licenses = Licenses;
            Assert.Contains(licenses, new[] { 0L, many });
            if (licenses == many) return;
        }
    }
}
