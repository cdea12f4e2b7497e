using System.Globalization;

namespace Latchkey.Bench;

/// <summary>On PostgreSQL, against what the same server does for pgbench with as many clients.</summary>
static class PostgreSqlRows
{
    const int Callers = 64;
    const int Claimants = 32;
    const int ClaimsPerSecond = 4_000;

    public static async Task<Measured> Verify(Stage stage, CancellationToken stop)
    {
        var keys = Seed.Keys(stage, stage.Options.Licenses);
        var (database, data) = await PostgreSql.Start(stage, stop);
        await using var _ = database;
        await using var ours = await stage.StartLatchkey(data, stop, database.Settings);
        return await Compare(
            stage,
            seconds => Wrk.Drive(stage, ours, "GET", VerifyRows.Path, keys, seconds, stop),
            seconds => database.Transactions(Callers, seconds, script: null, stop));
    }

    public static async Task<Measured> Mint(Stage stage, CancellationToken stop)
    {
        var keys = Seed.Keys(stage, stage.Options.Licenses);
        var (database, data) = await PostgreSql.Start(stage, stop);
        await using var _ = database;
        await using var ours = await stage.StartLatchkey(data, stop, database.Settings);
        return await Compare(
            stage,
            seconds => Wrk.Drive(stage, ours, "POST", MintRows.Path, keys, seconds, stop),
            seconds => database.Transactions(Callers, seconds, PostgreSql.MintScript, stop));
    }

    public static async Task<Measured> Claim(Stage stage, CancellationToken stop)
    {
        var (database, data) = await PostgreSql.Start(stage, stop);
        await using var _ = database;
        await using var ours = await stage.StartLatchkey(data, stop, database.Settings);
        await database.Transactions(Callers, stage.Options.Seconds, PostgreSql.MintScript, stop);
        var links = (await database.Links(stop)).ToString(CultureInfo.InvariantCulture);

        Task<double> Ours(int seconds)
        {
            var tokens = Tokens.Mint(ours, Seed.Draw(stage.Options.Licenses, ClaimsPerSecond * seconds));
            return Task.FromResult(Clients.Run(ours.Port, Claimants, tokens, repeat: false, TimeSpan.FromSeconds(seconds)).AnswersPerSecond);
        }

        return await Compare(stage, Ours, seconds => database.Transactions(Claimants, seconds, PostgreSql.ClaimScript, stop, "links=" + links));
    }

    /// <summary>Behind the same nginx, which sends half of them to a second node, or all to one.</summary>
    public static async Task<Measured> Nodes(Stage stage, CancellationToken stop)
    {
        var keys = Seed.Keys(stage, stage.Options.Licenses);
        var (database, data) = await PostgreSql.Start(stage, stop);
        await using var _ = database;
        await using var first = await stage.StartLatchkey(data, stop, database.Settings);
        await using var second = await stage.StartLatchkey(data, stop, database.Settings);
        await using var two = await stage.StartBalancer("two", [first.Port, second.Port], stop);
        await using var one = await stage.StartBalancer("one", [first.Port], stop);
        return await Compare(
            stage,
            seconds => Wrk.Drive(stage, two, "GET", VerifyRows.Path, keys, seconds, stop),
            seconds => Wrk.Drive(stage, one, "GET", VerifyRows.Path, keys, seconds, stop));
    }

    static async Task<Measured> Compare(Stage stage, Func<int, Task<double>> ours, Func<int, Task<double>> limit)
    {
        await ours(VerifyRows.Warmup);
        await limit(VerifyRows.Warmup);
        return await Pairs.Run(stage, "/s", () => ours(stage.Options.Seconds), () => limit(stage.Options.Seconds));
    }
}
