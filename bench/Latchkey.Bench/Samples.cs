namespace Latchkey.Bench;

/// <summary>Real answers of ours, for bare Kestrel to repeat.</summary>
static class Samples
{
    public static async Task<Server> StartBare(Stage stage, Server ours, CancellationToken stop)
    {
        using var connection = new RawConnection(ours.Port);
        var verify = await Take(stage, connection, "GET", VerifyRows.Path, "verify.json");
        var mint = await Take(stage, connection, "POST", MintRows.Path, "mint.json");
        return await stage.StartBare(verify, mint, stop);
    }

    static async Task<string> Take(Stage stage, RawConnection connection, string method, string path, string name)
    {
        var status = connection.Exchange(RawConnection.Ask(method, path, SeededLicense.Number(0)));
        if (status != 200) throw new BenchException($"{method} {path} answered {status}");
        await File.WriteAllBytesAsync(stage.At(name), connection.Body.ToArray());
        return stage.At(name);
    }
}
