using System.Diagnostics;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Latchkey.Server.Tests.Activity;
using Latchkey.Server.Tests.Admin.Api;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Licenses;

/// <summary>A license that an agency runs its customers' sites on.</summary>
public sealed class ManyDomainsTests
{
    [Fact]
    public async Task A_license_with_as_many_domains_as_there_may_be_is_shown_changed_and_explained_in_a_moment()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var domains = Enumerable.Range(0, LicenseOperations.MostDomains - 1).Select(i => $"site{i}.example").ToArray();
        var id = (await client.Post("/licenses", new { product_id = 1, max_domains = LicenseOperations.MostDomains, domains })).Ok(201).Json.Id();
        Tables.Execute(server.Database(), $"""
            INSERT INTO activity (id, license_id, product_id, kind, outcome, domain, address, first_at, last_at, count)
            SELECT row_number() OVER (), {id}, 1, 0, 'OK', host, '203.0.113.9', {UnixMicroseconds.From(TestServer.Start)}, {UnixMicroseconds.From(TestServer.Start)}, 1
            FROM license_domains WHERE license_id = {id}
            """);

        // As a database does by itself before long.
        Tables.Execute(server.Database(), "ANALYZE");
        async Task Quick(Func<Task> act)
        {
            var watch = Stopwatch.StartNew();
            await act();
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(3), $"it took {watch.Elapsed}");
        }

        await Quick(async () => (await client.Get($"/licenses/{id}")).Ok());
        await Quick(async () => (await client.Get("/licenses?q=site77.example")).Ok());
        await Quick(async () => (await client.Post($"/licenses/{id}/domains", new { domain = "one-more.example" })).Ok());
        await Quick(async () => (await client.Post($"/licenses/{id}/domains", new { domain = "too-many.example" })).Refuses(409, "DOMAIN_LIMIT_REACHED"));
        await Quick(async () => (await client.Delete($"/licenses/{id}/domains/site5.example")).Ok());
        await Quick(async () => (await client.Patch($"/licenses/{id}", new { expires_at = "2030-01-01" })).Ok());
        await Quick(() =>
        {
            var bound = server.Work(work => new LicenseDomainList(work).Of(id));
            Assert.Equal((LicenseOperations.MostDomains - 1, 1), (bound.Count, bound.Count(domain => domain.SeenAt is null)));
            Assert.Equal("one-more.example", Assert.Single(bound, domain => domain.SeenAt is null).Host);
            return Task.CompletedTask;
        });
        await Quick(() =>
        {
            var about = new ExplainedCase("elsewhere.example", server.Work(work => new LicenseOperations(work).Show(id)));
            Assert.InRange(Explanation.Of("DOMAIN_MISMATCH", about).Customer.Length, 50, 1000);
            return Task.CompletedTask;
        });
        var refused = await client.Patch($"/licenses/{id}", new { max_domains = LicenseOperations.MostDomains + 1 });
        refused.Refuses(422, "VALIDATION_FAILED", "/max_domains");
        Assert.Contains("1 to 10000", refused.Text);
    }

    [Fact]
    public async Task Each_domain_has_a_last_use_of_its_own_and_a_wildcard_that_of_a_host_below_it()
    {
        await using var server = await Operations.Shop();
        var license = server.Operate(l => l.Issue(new IssueLicense(1, ["a.example", "b.example", "*.c.example"], 3)));
        await server.Http.Verify(license.LicenseKey, "a.example", 1);
        await server.Counted(1);
        server.Clock.Advance(TimeSpan.FromHours(1));
        await server.Http.Verify(license.LicenseKey, "x.c.example", 1);
        await server.Http.Verify(license.LicenseKey, "b.example.evil", 1);
        await server.Counted(3);
        var bound = server.Work(work => new LicenseDomainList(work).Of(license.Id));
        Assert.Equal(
            [("*.c.example", "2026-01-01T01:00", "x.c.example"), ("a.example", "2026-01-01T00:00", "a.example"), ("b.example", null, null)],
            bound.Select(domain => (domain.Host, domain.SeenAt?[..16], domain.SeenAs)));
    }
}
