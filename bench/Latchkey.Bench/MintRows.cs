namespace Latchkey.Bench;

static class MintRows
{
    public const string Path = "/api/license/download";

    public static async Task<Measured> AgainstBare(Stage stage, CancellationToken stop)
    {
        var keys = Seed.Keys(stage, stage.Options.Licenses);
        await using var ours = await Start(stage, stop);
        await using var bare = await Samples.StartBare(stage, ours, stop);
        await Drive(stage, ours, keys, VerifyRows.Warmup, stop);
        await Drive(stage, bare, keys, VerifyRows.Warmup, stop);
        return await Pairs.Run(stage, "/s", () => Drive(stage, ours, keys, stage.Options.Seconds, stop), () => Drive(stage, bare, keys, stage.Options.Seconds, stop));
    }

    public static async Task<Measured> AgainstCommitPerRow(Stage stage, CancellationToken stop)
    {
        var keys = Seed.Keys(stage, stage.Options.Licenses);
        await using var ours = await Start(stage, stop);
        using var rows = new CommitPerRow(stage.At("commit-per-row.db"));
        await Drive(stage, ours, keys, VerifyRows.Warmup, stop);
        rows.Insert(TimeSpan.FromSeconds(1));
        return await Pairs.Run(
            stage, "/s",
            () => Drive(stage, ours, keys, stage.Options.Seconds, stop),
            () => Task.FromResult(rows.Insert(TimeSpan.FromSeconds(stage.Options.Seconds))));
    }

    static async Task<Server> Start(Stage stage, CancellationToken stop) =>
        await stage.StartLatchkey(await Seed.Licenses(stage, stage.Options.Licenses, "mint", stop), stop);

    static Task<double> Drive(Stage stage, Server server, string keys, int seconds, CancellationToken stop) =>
        Wrk.Drive(stage, server, "POST", Path, keys, seconds, stop);
}
