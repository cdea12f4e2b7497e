namespace Latchkey.Bench;

static class DownloadRows
{
    const int LargeClients = 8;
    const int SmallClients = 32;
    const long LargeSize = 100_000_000;
    const int SmallSize = 64 * 1024;

    // More than anybody's disk or memory serves in the time, so that tokens do not run out.
    const int LargePerSecond = 60;
    const int SmallPerSecond = 12_000;

    public static async Task<Measured> Large(Stage stage, CancellationToken stop)
    {
        await using var ours = await stage.StartLatchkey(await Seed.Files(stage, stop), stop);
        await using var nginx = await stage.StartNginx(stage.At("files"), stop);
        var file = Path.GetFileName(Seed.RandomFile(stage, LargeSize));
        double Megabytes(Fetched fetched) => fetched.BytesPerSecond / 1e6;

        Fetched Ours(int seconds)
        {
            var tokens = Enumerable.Range(0, LargePerSecond * seconds).Select(i => SeededLicense.Number(i % 100, Seed.LargeProduct));
            return Clients.Run(ours.Port, LargeClients, Tokens.Mint(ours, tokens), repeat: false, TimeSpan.FromSeconds(seconds));
        }

        Fetched Limit(int seconds) => Repeat(nginx, LargeClients, file, seconds);
        Ours(1);
        Limit(1);
        return await Pairs.Run(stage, "MB/s", () => Task.FromResult(Megabytes(Ours(stage.Options.Seconds))), () => Task.FromResult(Megabytes(Limit(stage.Options.Seconds))));
    }

    public static async Task<Measured> Small(Stage stage, CancellationToken stop)
    {
        var licenses = stage.Options.Licenses;
        await using var ours = await stage.StartLatchkey(await Seed.Licenses(stage, licenses, "small", stop), stop);
        await using var nginx = await stage.StartNginx(stage.At("files"), stop);
        var file = Path.GetFileName(Seed.RandomFile(stage, SmallSize));

        double Ours(int seconds)
        {
            var tokens = Tokens.Mint(ours, Seed.Draw(licenses, SmallPerSecond * seconds));
            return Clients.Run(ours.Port, SmallClients, tokens, repeat: false, TimeSpan.FromSeconds(seconds)).AnswersPerSecond;
        }

        double Limit(int seconds) => Repeat(nginx, SmallClients, file, seconds).AnswersPerSecond;
        Ours(2);
        Limit(1);
        return await Pairs.Run(stage, "/s", () => Task.FromResult(Ours(stage.Options.Seconds)), () => Task.FromResult(Limit(stage.Options.Seconds)));
    }

    static Fetched Repeat(Server nginx, int clients, string file, int seconds) =>
        Clients.Run(nginx.Port, clients, [RawConnection.Get("/" + file)], repeat: true, TimeSpan.FromSeconds(seconds));
}
