using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Telemetry;

/// <summary>What goes to a collector: the names that dashboards go by, and never a key or a token, wherever a client puts it.</summary>
public sealed class OtlpTests
{
    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public async Task Traces_metrics_and_logs_reach_a_collector_and_no_key_or_token_with_them(string protocol)
    {
        await using var collector = await OtlpReceiver.Run(isGrpc: protocol == "grpc");
        await using var traffic = await Traffic.Run(("Telemetry:Otlp:Endpoint", collector.Url), ("Telemetry:Otlp:Protocol", protocol), ("Telemetry:Otlp:Headers", "x-collector-key=collector-secret"), ("Log:Level", "Debug"));
        await traffic.Customers();
        await traffic.Operators();
        await traffic.Strangers();

        // What has gathered is sent at the end.
        Assert.Equal(0, await traffic.Server.Terminate());
        AssertHas(collector.Of("trace"), "GET /api/license/verify", "POST /api/license/download", "GET /api/license/download-file/{token}/{name?}", "GET unmatched", "HTTP /api/license/verify", "lookup", "open", "DOMAIN_MISMATCH", "latchkey.outcome", "service.name");
        AssertHas(collector.Of("metrics"), "latchkey.verdicts", "latchkey.db.duration", "latchkey.queue.length", "http.server.request.duration", "{token}", "dotnet.gc.heap.total_allocated");
        AssertHas(collector.Of("logs"), "Minted a download token: license 1", "Refused 403 DOMAIN_MISMATCH", "Latchkey.Server.Http.EveryAnswer");
        foreach (var canary in traffic.Canaries) Assert.DoesNotContain(canary, collector.All, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(["collector-secret"], collector.Keys);
        Assert.DoesNotContain("collector-secret", traffic.Server.Log);
        Assert.DoesNotContain("collector-secret", collector.All);
    }

    static void AssertHas(string sent, params string[] names) => Assert.All(names, name => Assert.Contains(name, sent, StringComparison.Ordinal));

    [Fact]
    public async Task No_traces_are_sent_where_none_are_wanted()
    {
        await using var collector = await OtlpReceiver.Run(isGrpc: false);
        using var shop = new Shop();
        await using var server = await ServeProcess.Run(shop.Data, [("LATCHKEY_Telemetry__Otlp__Endpoint", collector.Url), ("LATCHKEY_Telemetry__Otlp__Protocol", "http/protobuf"), ("LATCHKEY_Telemetry__Otlp__TracePercent", "0")]);
        Assert.Equal(401, (await server.Http.Verify("WRONG", "example.com", 1)).Status);
        Assert.Equal(0, await server.Terminate());
        Assert.Equal("", collector.Of("trace"));
        Assert.NotEqual("", collector.Of("metrics"));
    }

    [Fact]
    public async Task A_collector_that_is_not_there_holds_up_neither_answers_nor_the_end()
    {
        using var shop = new Shop();
        await using var server = await ServeProcess.Run(shop.Data, [("LATCHKEY_Telemetry__Otlp__Endpoint", "http://127.0.0.1:9")]);
        Assert.Equal(401, (await server.Http.Verify("WRONG", "example.com", 1)).Status);
        Assert.Equal(0, await server.Terminate().WaitAsync(TimeSpan.FromSeconds(30)));
    }
}
