namespace Latchkey.Bench;

static class VerifyRows
{
    public const string Path = "/api/license/verify";
    public const int Warmup = 3;

    public static async Task<Measured> AgainstBare(Stage stage, CancellationToken stop)
    {
        var licenses = stage.Options.Licenses;
        var keys = Seed.Keys(stage, licenses);
        await using var ours = await stage.StartLatchkey(await Seed.Licenses(stage, licenses, "verify", stop), stop);
        await using var bare = await Samples.StartBare(stage, ours, stop);
        return await Compare(stage, () => (ours, keys), () => (bare, keys), stop);
    }

    /// <summary>Two servers of ours: the look-up shall not care how many licenses there are.</summary>
    public static async Task<Measured> Scale(Stage stage, CancellationToken stop)
    {
        const int many = 10_000_000, few = 10_000;
        var (manyKeys, fewKeys) = (Seed.Keys(stage, many), Seed.Keys(stage, few));
        await using var large = await stage.StartLatchkey(await Seed.Licenses(stage, many, "many", stop), stop);
        await using var small = await stage.StartLatchkey(await Seed.Licenses(stage, few, "few", stop), stop);
        return await Compare(stage, () => (large, manyKeys), () => (small, fewKeys), stop);
    }

    static async Task<Measured> Compare(Stage stage, Func<(Server, string)> ours, Func<(Server, string)> limit, CancellationToken stop)
    {
        Task<double> Drive((Server Server, string Keys) side, int seconds) => Wrk.Drive(stage, side.Server, "GET", Path, side.Keys, seconds, stop);
        await Drive(ours(), Warmup);
        await Drive(limit(), Warmup);
        return await Pairs.Run(stage, "/s", () => Drive(ours(), stage.Options.Seconds), () => Drive(limit(), stage.Options.Seconds));
    }
}
