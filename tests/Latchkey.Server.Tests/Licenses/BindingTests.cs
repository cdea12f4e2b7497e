using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Licenses;

public sealed class BindingTests
{
    [Fact]
    public async Task The_first_successful_verify_binds_the_domain()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id);
        Assert.Equal(403, (await server.Http.Verify(license.LicenseKey, "first.com", 2)).Status);
        Assert.Equal("first.com", (await server.Http.Verify(license.LicenseKey, "www.First.com", 1)).Json.GetProperty("data").GetProperty("domain").GetString());
        Assert.Equal("DOMAIN_MISMATCH", (await server.Http.Verify(license.LicenseKey, "second.com", 1)).Code);
        Assert.Equal(["first.com"], server.Operate(l => l.Show("1")).Domains);
    }

    [Fact]
    public async Task The_first_successful_mint_binds_it_and_a_refused_one_does_not()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id);
        Assert.Equal("NO_DOWNLOADABLE_FILE", (await server.Http.Mint(license.LicenseKey, "first.com", 1)).Code);
        Assert.Empty(server.Operate(l => l.Show("1")).Domains);
        server.Publish(1, [1, 2, 3]);
        Assert.Equal(200, (await server.Http.Mint(license.LicenseKey, "second.com", 1)).Status);
        Assert.Equal(["second.com"], server.Operate(l => l.Show("1")).Domains);
    }

    [Fact]
    public async Task Nothing_is_bound_where_the_product_does_not_allow_it()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct(bindOnFirstUse: false).Id);
        Assert.Equal("DOMAIN_MISMATCH", (await server.Http.Verify(license.LicenseKey, "first.com", 1)).Code);
    }

    [Fact]
    public async Task A_wildcard_answers_with_what_the_license_is_bound_to()
    {
        await using var server = await TestServer.Run();
        var license = server.Issue(server.AddProduct().Id, "*.example.com");
        var reply = await server.Http.Verify(license.LicenseKey, "https://a.b.example.com", 1);
        Assert.Equal("*.example.com", reply.Json.GetProperty("data").GetProperty("domain").GetString());
        Assert.Equal("DOMAIN_MISMATCH", (await server.Http.Verify(license.LicenseKey, "example.com", 1)).Code);
        Assert.Equal("DOMAIN_MISMATCH", (await server.Http.Verify(license.LicenseKey, "www.example.com", 1)).Code);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Any_number_of_first_requests_at_once_take_exactly_the_places_there_are(int places)
    {
        await using var server = await TestServer.Run();
        var product = server.AddProduct();
        for (var round = 0; round < 10; round++)
        {
            var license = server.Operate(l => l.Issue(new(product.Id, [], MaxDomains: places)));
            var replies = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => server.Http.Verify(license.LicenseKey, $"site{i}.example", product.Id)));
            Assert.Equal(places, replies.Count(reply => reply.Status == 200));
            Assert.All(replies.Where(reply => reply.Status != 200), reply => Assert.Equal("DOMAIN_MISMATCH", reply.Code));
            Assert.Equal(places, server.Operate(l => l.Show(license.LicenseKey!)).Domains.Count);
        }
    }

    [Fact]
    public async Task One_domain_asking_many_times_at_once_takes_one_place_and_is_granted_each_time()
    {
        await using var server = await TestServer.Run();
        var license = server.Operate(l => l.Issue(new(server.AddProduct().Id, [], MaxDomains: 5)));
        var replies = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => server.Http.Verify(license.LicenseKey, "example.com", 1)));
        Assert.All(replies, reply => Assert.Equal(200, reply.Status));
        Assert.Equal(["example.com"], server.Operate(l => l.Show("1")).Domains);
    }
}
