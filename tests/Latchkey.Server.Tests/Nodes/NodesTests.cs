using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Admin.Api;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Nodes;

/// <summary>Several nodes on one database: no client can see that there is more than one.</summary>
[Trait("Database", "PostgreSql")]
public sealed class NodesTests : IAsyncLifetime
{
    const string Token = "download_url";

    readonly string _directory = TempDirectory.Make();
    readonly List<TestServer> _nodes = [];

    public async ValueTask InitializeAsync()
    {
        var files = Path.Combine(_directory, "files");
        for (var i = 0; i < 3; i++) _nodes.Add(await TestServer.Run(_directory, _nodes.Count > 0 ? _nodes[0].Clock : null, ("Blobs:Directory", files)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.Stop();
        TempDirectory.Delete(_directory);
    }

    string Issue(string host = "example.com") => _nodes[0].Issue(1, host).LicenseKey!;

    string Shop(string host = "example.com")
    {
        _nodes[0].AddProduct();
        _nodes[0].Publish(1, Enumerable.Range(0, 100_000).Select(i => (byte)i).ToArray());
        return Issue(host);
    }

    [Fact]
    public async Task What_one_node_changes_counts_on_every_node_from_the_next_request()
    {
        var key = Shop();
        for (var round = 0; round < 20; round++)
        {
            foreach (var node in _nodes) Assert.Equal(200, (await node.Http.Verify(key, "example.com", 1)).Status);
            _nodes[round % 3].Operate(l => l.Suspend(1));
            foreach (var node in _nodes) Assert.Equal((403, "LICENSE_INACTIVE"), Of(await node.Http.Verify(key, "example.com", 1)));
            _nodes[(round + 1) % 3].Operate(l => l.Resume(1));
            var rotated = _nodes[(round + 2) % 3].Operate(l => l.Rotate(1)).LicenseKey!;
            foreach (var node in _nodes) Assert.Equal("INVALID_LICENSE", (await node.Http.Verify(key, "example.com", 1)).Code);
            key = rotated;
        }

        _nodes[1].Operate(l => l.Unbind(1, "example.com"));
        _nodes[1].Operate(l => l.Bind(1, "other.example"));
        foreach (var node in _nodes) Assert.Equal((403, "DOMAIN_MISMATCH"), Of(await node.Http.Verify(key, "example.com", 1)));
    }

    static (int, string?) Of(Reply reply) => (reply.Status, reply.Code);

    [Fact]
    public async Task A_link_of_one_node_is_good_at_another_once_over_all()
    {
        var key = Shop();
        for (var round = 0; round < 20; round++)
        {
            var minted = await _nodes[round % 3].Http.Mint(key, "example.com", 1);
            var path = new Uri(minted.Json.GetProperty("data").Text(Token)).PathAndQuery;
            var replies = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => _nodes[i % 3].Http.Get(path)));
            Assert.Equal(1, replies.Count(reply => reply.Status == 200));
            Assert.All(replies.Where(reply => reply.Status != 200), reply => Assert.InRange(reply.Status, 400, 499));
            foreach (var node in _nodes) Assert.InRange((await node.Http.Get(path)).Status, 400, 499);
        }
    }

    [Fact]
    public async Task A_link_that_is_revoked_at_one_node_is_refused_at_every_node()
    {
        var key = Shop();
        var path = new Uri((await _nodes[0].Http.Mint(key, "example.com", 1)).Json.GetProperty("data").Text(Token)).PathAndQuery;
        (await _nodes[1].Admin().Post("/download-tokens/1/revoke")).Ok();
        foreach (var node in _nodes) Assert.InRange((await node.Http.Get(path)).Status, 400, 499);
    }

    [Fact]
    public async Task No_race_of_nodes_binds_more_domains_than_there_are_places()
    {
        _nodes[0].AddProduct();
        for (var round = 0; round < 10; round++)
        {
            var license = _nodes[0].Operate(l => l.Issue(new IssueLicense(1, [], MaxDomains: 3)));
            var replies = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => _nodes[i % 3].Http.Verify(license.LicenseKey!, $"site{i}.example", 1)));
            Assert.Equal(3, replies.Count(reply => reply.Status == 200));
            Assert.Equal(3, _nodes[0].WithDb(db => db.LicenseDomains.Count(d => d.LicenseId == license.Id)));
        }
    }

    [Fact]
    public async Task Who_signs_in_at_one_node_is_signed_in_at_every_node_and_signs_out_of_all()
    {
        var key = Shop();
        var counts = await Task.WhenAll(_nodes.Select(node => node.Http.Verify(key, "example.com", 1)));
        Assert.All(counts, reply => Assert.Equal(200, reply.Status));
        var protectors = _nodes.ConvertAll(node => Microsoft.AspNetCore.DataProtection.DataProtectionCommonExtensions.CreateProtector(
            node.Services.GetRequiredService<Microsoft.AspNetCore.DataProtection.IDataProtectionProvider>(), "test"));
        var cookie = Microsoft.AspNetCore.DataProtection.DataProtectionCommonExtensions.Protect(protectors[0], "canary-of-a-session");
        foreach (var protector in protectors) Assert.Equal("canary-of-a-session", Microsoft.AspNetCore.DataProtection.DataProtectionCommonExtensions.Unprotect(protector, cookie));
        Assert.Equal(1, _nodes[0].WithDb(db => db.Set<Server.Data.SealedKey>().Count()));
        Assert.DoesNotContain("<key", Tables.Everything(_nodes[0].Database()));
    }

    [Fact]
    public async Task What_runs_beside_the_requests_is_done_by_one_node_and_by_another_when_that_one_is_gone()
    {
        var leases = _nodes.ConvertAll(node => node.Services.GetRequiredService<Server.Data.Leases>());
        var (now, hour) = (TestServer.Start, TimeSpan.FromHours(1));
        var taken = await Task.WhenAll(leases.Select(lease => lease.TryTake("work", now, 2 * hour)));
        var holder = Assert.Single(Enumerable.Range(0, 3), i => taken[i]);
        for (var i = 0; i < 3; i++) Assert.Equal(i == holder, await leases[i].TryTake("work", now + hour, 2 * hour));
        var other = (holder + 1) % 3;
        Assert.False(await leases[other].TryTake("work", now + (2.9 * hour), 2 * hour));
        Assert.True(await leases[other].TryTake("work", now + (3 * hour), 2 * hour));
        Assert.False(await leases[holder].TryTake("work", now + (3 * hour), 2 * hour));
    }
}
