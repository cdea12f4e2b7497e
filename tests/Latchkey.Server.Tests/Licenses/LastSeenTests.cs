using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Licenses;

public sealed class LastSeenTests
{
    [Fact]
    public async Task The_last_request_is_kept_with_time_address_domain_and_outcome()
    {
        var directory = TempDirectory.Make();
        var server = await TestServer.Run(directory, null);
        var license = server.Issue(server.AddProduct().Id, "example.com");
        await server.Http.Verify(license.LicenseKey, "example.com", 1);
        server.Clock.Advance(TimeSpan.FromMilliseconds(500));
        await server.Http.Verify(license.LicenseKey, "evil.com", 1);
        await server.Stop();

        await using var again = await TestServer.Run(directory, server.Clock);
        var seen = again.Operate(l => l.Show("1")).LastSeen;
        Assert.Equal(new LastSeenView("2026-01-01T00:00:00.500000Z", "127.0.0.1", "evil.com", "DOMAIN_MISMATCH"), seen);
    }

    /// <summary>Somebody edits the database by hand within the second.</summary>
    [Fact]
    public async Task A_license_that_vanished_meanwhile_takes_nothing_else_with_it()
    {
        await using var server = await TestServer.Run();
        var product = server.AddProduct().Id;
        var (gone, kept) = (server.Issue(product, "gone.com"), server.Issue(product, "kept.com"));
        await server.Http.Verify(gone.LicenseKey, "gone.com", 1);
        await server.Http.Verify(kept.LicenseKey, "kept.com", 1);
        server.WithDb(db => db.Licenses.Remove(db.Licenses.Find(gone.Id)!) is not null && db.SaveChanges() > 0);
        for (var tries = 0; tries < 200 && server.Operate(l => l.Show("2")).LastSeen is null; tries++)
        {
            server.Clock.Advance(TimeSpan.FromSeconds(1));
            await server.Http.Verify("wrong-key-1", "example.com", 1);
        }

        Assert.Equal("kept.com", server.Operate(l => l.Show("2")).LastSeen?.Domain);
        Assert.Equal(200, (await server.Http.Verify(kept.LicenseKey, "kept.com", 1)).Status);
    }

    [Fact]
    public async Task Nothing_is_kept_of_a_key_that_nobody_has()
    {
        await using var server = await TestServer.Run();
        server.Issue(server.AddProduct().Id, "example.com");
        await server.Http.Verify("wrong-key-1", "example.com", 1);
        Assert.Null(server.Operate(l => l.Show("1")).LastSeen);
    }
}
