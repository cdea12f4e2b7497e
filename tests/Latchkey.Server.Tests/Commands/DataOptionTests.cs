using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

public sealed class DataOptionTests
{
    static readonly string[] Add = ["product", "add", "--name", "Plugin", "--prefix", "PLUG"];

    static bool HasData(string path) => File.Exists(Path.Combine(path, "latchkey.db"));

    [Fact]
    public async Task Data_lies_in_the_option_or_else_the_variable_or_else_the_working_directory()
    {
        var home = TempDirectory.Make();
        var (option, variable, usual) = (Path.Combine(home, "option"), Path.Combine(home, "variable"), Path.Combine(home, "data"));

        var result = await Cli.Run([.. Add, "--data", option], [("LATCHKEY_DATA", variable)], home);
        Assert.Equal(0, result.Status);
        Assert.Equal((true, false, false), (HasData(option), HasData(variable), HasData(usual)));

        result = await Cli.Run(Add, [("LATCHKEY_DATA", variable)], home);
        Assert.Equal(0, result.Status);
        Assert.Equal((true, false), (HasData(variable), HasData(usual)));

        result = await Cli.Run(Add, [], home);
        Assert.Equal(0, result.Status);
        Assert.True(HasData(usual));
        TempDirectory.Delete(home);
    }

    [Fact]
    public async Task Data_can_be_named_before_the_verb_and_relative_to_the_working_directory()
    {
        var home = TempDirectory.Make();
        Assert.Equal(0, (await Cli.Run(["--data", "./here/there", .. Add], [], home)).Status);
        Assert.True(HasData(Path.Combine(home, "here", "there")));
        TempDirectory.Delete(home);
    }

    [Theory]
    [InlineData("with space")]
    [InlineData("per%20cent")]
    [InlineData("hash#mark?query&and=more")]
    [InlineData("Ünïcode-雪")]
    [InlineData("semi;colon'quote\"")]
    public async Task Data_may_lie_in_a_directory_of_any_name(string name)
    {
        var home = TempDirectory.Make();
        var data = Path.Combine(home, name);
        Assert.Equal(0, (await Cli.Run([.. Add, "--data", data])).Status);
        var shown = await Cli.Run("product", "show", "1", "--data", data, "--json");
        Assert.Equal("Plugin", shown.Json.Text("name"));
        Assert.Equal([data], Directory.GetFileSystemEntries(home));
        TempDirectory.Delete(home);
    }

    [Theory]
    [InlineData("product list")]
    [InlineData("product show 1")]
    [InlineData("license list")]
    [InlineData("license issue --product 1")]
    [InlineData("license suspend 1")]
    [InlineData("doctor")]
    public async Task Where_there_is_no_data_yet_a_command_says_so_and_makes_none(string line)
    {
        using var shop = new Shop();
        var result = await shop.Run(line.Split(' '));
        Assert.Equal(1, result.Status);
        Assert.Contains(shop.Data, result.Error + result.Output, StringComparison.Ordinal);
        Assert.Contains("--data", result.Error + result.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(shop.Data));
    }
}
