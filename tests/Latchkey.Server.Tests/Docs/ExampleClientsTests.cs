using System.Security.Cryptography;
using Latchkey.Server.Admin.Panel.Integrators;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Docs;

/// <summary>The programs in docs/examples, against a real server and a file of several chunks.</summary>
public sealed class ExampleClientsTests
{
    public static TheoryData<string, string> Clients => new()
    {
        { "php", "latchkey.php" }, { "node", "latchkey.mjs" }, { "python3", "latchkey.py" }, { "sh", "latchkey.sh" },
    };

    static string PathOf(string file) => Path.Combine(Cli.Root, "docs", "examples", file);

    [Fact]
    public void Every_example_is_run_by_these_tests() => Assert.Equal(
        Clients.Select(row => row.Data.Item2).Order(), Directory.GetFiles(PathOf("")).Select(Path.GetFileName).Order());

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task An_example_client_ends_up_with_the_real_file(string program, string file)
    {
        using var shell = new Shell();
        await using var server = await TestServer.Run();
        var product = server.AddProduct();
        var content = RandomNumberGenerator.GetBytes(3_000_000);
        server.Publish(product.Id, content);
        var license = server.Issue(product.Id, "example.com");
        var result = await shell.Run(program, PathOf(file), server.Url, license.LicenseKey!, "https://www.Example.com/", "1", "update.zip");
        Assert.True(result.Status == 0, result.Printed);
        Assert.Equal(SHA256.HashData(content), SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(shell.Work, "update.zip"))));
        Assert.False(File.Exists(Path.Combine(shell.Work, "update.zip.part")));
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task A_client_follows_to_the_store_which_names_the_file_otherwise(string program, string file)
    {
        using var shell = new Shell();
        await using var s3 = await S3.Run();
        await using var server = await TestServer.Run([.. s3.Settings, ("Blobs:Delivery", "Redirect")]);
        var content = RandomNumberGenerator.GetBytes(3_000_000);
        var key = server.Issue(server.AddProduct().Id, "example.com").LicenseKey!;
        server.Publish(1, content);
        var pasted = Path.Combine(shell.Work, file);
        await File.WriteAllTextAsync(pasted, IntegratorTemplate.All.Single(template => template.FileName == file).Fill(server.Url, 1));
        foreach (var arguments in new string[][] { [PathOf(file), server.Url, key, "example.com", "1", "example.zip"], [pasted, key, "example.com", "panel.zip"] })
        {
            var result = await shell.Run(program, arguments);
            Assert.True(result.Status == 0, result.Printed);
            Assert.Equal(SHA256.HashData(content), SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(shell.Work, arguments[^1]))));
        }
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task An_example_client_says_why_it_was_refused_and_leaves_no_file(string program, string file)
    {
        using var shell = new Shell();
        await using var server = await TestServer.Run();
        var product = server.AddProduct();
        server.Publish(product.Id, [1, 2, 3]);
        var license = server.Issue(product.Id, "example.com");
        server.Operate(licenses => licenses.Suspend(license.LicenseKey!));
        var result = await shell.Run(program, PathOf(file), server.Url, license.LicenseKey!, "example.com", "1", "update.zip");
        Assert.NotEqual(0, result.Status);
        Assert.DoesNotContain(license.LicenseKey!, result.Printed);
        Assert.False(File.Exists(Path.Combine(shell.Work, "update.zip")));
        if (file != "latchkey.sh") Assert.Contains("LICENSE_INACTIVE", result.Printed);
    }
}
