using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Telemetry;

/// <summary>The metrics say what was done, and the shipped dashboard and alert rules ask for what there is.</summary>
public sealed class CountsTests
{
    /// <summary>What Prometheus itself adds, or makes.</summary>
    static readonly string[] ByPrometheus = ["up", "instance", "job", "le"];

    /// <summary>Values that no traffic here brings forth: a bucket's, a redirecting store's, and what must never happen.</summary>
    static readonly string[] Unseen = ["INTERNAL_ERROR", "SERVER_ERROR", "TOO_MANY_DOWNLOADS", "admin"];

    static async Task<(Traffic Traffic, Scrape Scrape)> Everything()
    {
        var traffic = await Traffic.Run(("Telemetry:Metrics:Urls", "http://127.0.0.1:0"), ("Backup:To", "HOME/backups"), ("BACKUP_PASSPHRASE", "correct horse battery staple"));
        await traffic.Customers();
        await traffic.Operators();
        await traffic.Trouble(async () => (await traffic.Read()).Of("latchkey_background_runs_total", ("task", "activity_board"), ("outcome", "failed")) > 0);
        await traffic.Strangers();

        // What was read is told again for a third of a second.
        return (traffic, await Poll.Until(traffic.Read, scrape => scrape.Of("latchkey_verdicts_total", ("outcome", "RATE_LIMITED")) == 2));
    }

    [Fact]
    public async Task Every_kind_of_traffic_is_counted_and_the_dashboard_and_the_rules_ask_for_nothing_else()
    {
        var (traffic, scrape) = await Everything();
        await using var _ = traffic;
        double Verdicts(string kind, string outcome) => scrape.Of("latchkey_verdicts_total", ("kind", kind), ("outcome", outcome));
        Assert.Equal((2, 1, 2), (Verdicts("verify", "OK"), Verdicts("verify", "DOMAIN_MISMATCH"), Verdicts("verify", "RATE_LIMITED")));
        Assert.Equal((1, 4, 1), (Verdicts("update", "OK"), Verdicts("mint", "OK"), Verdicts("mint", "SERVICE_UNAVAILABLE")));
        double Tokens(string happened) => scrape.Of("latchkey_download_tokens_total", ("event", happened));
        Assert.Equal((4, 2, 1, 1, 2), (Tokens("minted"), Tokens("claimed"), Tokens("resumed"), Tokens("interrupted"), Tokens("delivered")));
        Assert.InRange(scrape.Of("latchkey_download_sent_bytes_total", ("delivery", "stream")), 80 << 20, 120 << 20);
        Assert.Equal(2, scrape.Of("latchkey_rate_limiter_decisions_total", ("budget", "wrong_keys"), ("decision", "refused")));
        Assert.Equal(1, scrape.Of("latchkey_rate_limiter_decisions_total", ("budget", "admin"), ("decision", "admitted")));
        Assert.Equal(2, scrape.Of("latchkey_requests_total", ("route", Ask.VerifyPath), ("outcome", "RATE_LIMITED")));
        Assert.Equal(1, scrape.Of("latchkey_requests_total", ("route", "/api/admin/licenses/"), ("outcome", "OK")));
        Assert.True(scrape.Of("latchkey_db_duration_seconds_count", ("operation", "commit")) > 5);
        Assert.True(scrape.Of("latchkey_store_duration_seconds_count", ("store", "disk"), ("operation", "open")) >= 3);
        AssertLabelsAreFewAndOurs(traffic, scrape);
        foreach (var (place, expression) in Dashboard.Expressions().Concat(Dashboard.Rules())) AssertAsksForWhatThereIs(place, expression, scrape);
    }

    static void AssertLabelsAreFewAndOurs(Traffic traffic, Scrape scrape)
    {
        foreach (var canary in traffic.Canaries) Assert.DoesNotContain(canary, scrape.Text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("example.", scrape.Text);
        Assert.All(scrape.Samples.Where(sample => sample.Name.StartsWith("latchkey_")), sample => Assert.DoesNotContain("127.0.0.1", string.Join(' ', sample.Labels.Values)));
        Assert.True(scrape.Samples.Count < 2000, $"{scrape.Samples.Count} series");
    }

    static void AssertAsksForWhatThereIs(string place, string expression, Scrape scrape)
    {
        var asked = PromQl.Parse(expression);
        Assert.NotEmpty(asked.Metrics);
        var there = new HashSet<string>(ByPrometheus);
        foreach (var (name, matchers) in asked.Metrics)
        {
            if (ByPrometheus.Contains(name)) continue;
            var samples = scrape.Samples.Where(sample => sample.Name == name).ToList();
            Assert.True(samples.Count > 0, $"{place}: there is no metric {name}");
            there.UnionWith(samples.SelectMany(sample => sample.Labels.Keys));
            foreach (var (label, value) in matchers.Where(matcher => !ByPrometheus.Contains(matcher.Label)))
            {
                Assert.True(samples.Any(sample => sample.Labels.ContainsKey(label)), $"{place}: {name} has no label {label}");
                Assert.All(value.Split('|').Where(one => !Unseen.Contains(one)), one => Assert.True(samples.Any(sample => PromQl.Matches(one, sample.Labels.GetValueOrDefault(label))), $"{place}: no {label} of {name} is {one}"));
            }
        }

        Assert.All(asked.By, label => Assert.True(there.Contains(label), $"{place}: nothing there has the label {label}"));
    }

    [Fact]
    public async Task The_operators_guide_lists_every_metric_of_ours_and_none_that_there_is_not()
    {
        var (traffic, scrape) = await Everything();
        await using var _ = traffic;
        var real = scrape.Samples.Select(sample => sample.Name).Where(name => name.StartsWith("latchkey_")).Select(name => System.Text.RegularExpressions.Regex.Replace(name, "_(bucket|sum|count)$", "")).ToHashSet();
        var listed = Dashboard.ListedMetrics();
        Assert.Equal(real.Order(), listed.Order());
    }

    [Fact]
    public async Task A_server_without_telemetry_loads_nothing_of_it()
    {
        using var shop = new Shop();
        static async Task<bool> HasLoaded(ServeProcess server)
        {
            Assert.Equal(401, (await server.Http.Verify("WRONG", "example.com", 1)).Status);
            return (await File.ReadAllTextAsync($"/proc/{server.Id}/maps")).Contains("OpenTelemetry");
        }

        await using (var without = await shop.Serve()) Assert.False(await HasLoaded(without));
        await using var with = await shop.Serve("--Telemetry:Metrics:Urls", "http://127.0.0.1:0");
        Assert.True(await HasLoaded(with));
    }
}
