using System.Text.RegularExpressions;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed partial class UsageTests
{
    public static readonly TheoryData<string> Commands =
    [
        "", "serve", "product", "product add", "product list", "product show", "product edit", "product publish", "license", "license issue",
        "license list", "license show", "license suspend", "license resume", "license revoke", "license rotate", "license bind",
        "license unbind", "license edit", "license import", "operator", "operator add", "operator list", "operator reset", "operator edit",
        "operator disable", "operator enable", "doctor",
    ];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Help_of_every_command_ends_with_examples_of_that_command_and_its_own_options(string command)
    {
        var result = await Cli.Run([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.Equal(0, result.Status);
        Assert.Equal("", result.Error);
        var (usage, examples) = (result.Output.Split("Examples:")[0], result.Output.Split("Examples:")[1]);
        var lines = examples.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.StartsWith($"latchkey {command}".Trim(), line, StringComparison.Ordinal));
        Assert.Contains("--data <DIR>", usage, StringComparison.Ordinal);
        Assert.Contains("--json", usage, StringComparison.Ordinal);
        if (command is "" or "product" or "license" or "operator") return;
        foreach (Match option in OptionOfExample().Matches(examples)) Assert.Contains(option.Value, usage, StringComparison.Ordinal);
    }

    // A setting begins with a capital letter; the help of serve says that any may follow.
    [GeneratedRegex("--[a-z][a-z-]+")]
    private static partial Regex OptionOfExample();

    [Fact]
    public async Task Help_is_the_same_by_each_of_its_spellings()
    {
        var (full, brief, mark) = (await Cli.Run("license", "issue", "--help"), await Cli.Run("license", "issue", "-h"), await Cli.Run("license", "issue", "-?"));
        Assert.Equal(full, brief);
        Assert.Equal(full, mark);
    }

    [Theory]
    [InlineData("")]
    [InlineData("product")]
    [InlineData("license")]
    [InlineData("sell")]
    [InlineData("license sell 1")]
    [InlineData("product add --name X")]
    [InlineData("product add --prefix X")]
    [InlineData("product add --name X --prefix X --id zero")]
    [InlineData("product add --name X --prefix X --id 0")]
    [InlineData("product add --name X --prefix X --id -1")]
    [InlineData("product add --name X --prefix X --api-download --no-api-download")]
    [InlineData("product add --name X --prefix X --bind-on-first-use --no-bind-on-first-use")]
    [InlineData("product add --name X --prefix X --frob")]
    [InlineData("product list 1")]
    [InlineData("product show")]
    [InlineData("product show one")]
    [InlineData("product edit")]
    [InlineData("product publish --file x")]
    [InlineData("product publish --product 1")]
    [InlineData("license issue")]
    [InlineData("license issue --product one")]
    [InlineData("license issue --product 1 --max-domains many")]
    [InlineData("license issue --product 1 --user x")]
    [InlineData("license list --product x")]
    [InlineData("license show")]
    [InlineData("license show 1 2")]
    [InlineData("license suspend")]
    [InlineData("license bind 1")]
    [InlineData("license unbind 1")]
    [InlineData("license unbind --domain example.com")]
    [InlineData("license import")]
    [InlineData("operator")]
    [InlineData("operator add --email ann@example.com")]
    [InlineData("operator add --email ann@example.com --role king")]
    [InlineData("operator reset")]
    [InlineData("doctor now")]
    [InlineData("doctor --data")]
    [InlineData("serve now")]
    [InlineData("serve --frob 1")]
    [InlineData("serve --frob")]
    [InlineData("serve --demo --urls")]
    public async Task Wrong_usage_ends_with_2_and_a_sentence_and_makes_nothing(string line)
    {
        var directory = TempDirectory.Make();
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var plain = await Cli.Run(words, [], directory);
        Assert.Equal(2, plain.Status);
        Assert.Equal("", plain.Output);
        var sentence = Shop.Sentence(plain);
        Assert.Equal(sentence, Shop.Refused(2, await Cli.Run(["--json", .. words], [], directory)));
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory));
        TempDirectory.Delete(directory);
    }

    [Theory]
    [InlineData("license sell 1", "sell")]
    [InlineData("license issue --product one", "--product")]
    [InlineData("product add --name X", "--prefix")]
    [InlineData("serve --RateLimit:RequestPerMinute 5", "RateLimit:RequestPerMinute")]
    public async Task Wrong_usage_names_what_is_wrong_and_where_help_is(string line, string wrong)
    {
        var result = await Cli.Run(line.Split(' '));
        Assert.Contains(wrong, result.Error, StringComparison.Ordinal);
        Assert.Contains("--help", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_is_one_line()
    {
        var result = await Cli.Run("--version");
        Assert.Equal(0, result.Status);
        Assert.Matches("^[0-9]+\\.[0-9]+\\.[0-9]+[^\n]*\n$", result.Output);
    }
}
