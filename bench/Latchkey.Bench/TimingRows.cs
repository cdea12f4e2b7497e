using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Latchkey.Bench;

/// <summary>
/// Whether the time of an answer tells what its bytes do not. Two kinds of requests that are answered alike are sent in an order
/// drawn at random, over one connection. Welch's t of their times: below 4.5, nobody tells them apart by so many.
/// </summary>
static class TimingRows
{
    public const double Bar = 4.5;

    const int Licenses = 100_000;
    const int Each = 20_000;
    const int Warmup = 4_000;
    const int ClaimedTokens = 1_000;

    /// <summary>What takes longer than nine of ten met something else of the machine's; it is left out, as is usual.</summary>
    const double Kept = 0.9;

    const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    public static async Task<Measured> Keys(Stage stage, CancellationToken stop)
    {
        await using var server = await Start(stage, stop);
        byte[] NearKnown()
        {
            var license = Known();
            return Verify(license with { Key = license.Key[..^1] + Another(license.Key[^1], Alphabet) });
        }

        var measured = Compare(server, NearKnown, RandomKey, 401, 401);
        Compare(server, () => Verify(Known()), RandomKey, 200, 401, "for comparison, a known key, which its answer tells apart");
        return measured;
    }

    public static async Task<Measured> Malformed(Stage stage, CancellationToken stop)
    {
        await using var server = await Start(stage, stop);
        return Compare(server, () => Verify(Known() with { Key = "BENCH." + RandomNumberGenerator.GetString("abcdefghijklmnop.", 16) }), RandomKey, 401, 401);
    }

    public static async Task<Measured> ClaimedToken(Stage stage, CancellationToken stop)
    {
        await using var server = await Start(stage, stop);
        var claimed = Tokens.Mint(server, Enumerable.Range(0, ClaimedTokens).Select(i => SeededLicense.Number(i)));
        using (var connection = new RawConnection(server.Port))
        {
            foreach (var token in claimed) connection.Exchange(token);
        }

        string[] paths = [.. claimed.Select(request => System.Text.Encoding.ASCII.GetString(request).Split(' ')[1])];
        string Claimed() => paths[RandomNumberGenerator.GetInt32(paths.Length)];
        byte[] NearClaimed()
        {
            var path = Claimed();
            return RawConnection.Get(path[..^1] + Another(path[^1], "0123456789abcdef"));
        }

        byte[] Unknown() => RawConnection.Get("/api/license/download-file/" + RandomNumberGenerator.GetHexString(64, lowercase: true));
        var measured = Compare(server, NearClaimed, Unknown, 404, 404);
        Compare(server, () => RawConnection.Get(Claimed()), Unknown, 410, 404, "for comparison, a claimed token, which its answer tells apart");
        return measured;
    }

    static async Task<Server> Start(Stage stage, CancellationToken stop) => await stage.StartLatchkey(await Seed.Licenses(stage, Licenses, "timing", stop), stop);

    static SeededLicense Known() => SeededLicense.Number(RandomNumberGenerator.GetInt32(Licenses));

    static byte[] RandomKey() => Verify(Known() with { Key = "BENCH_" + RandomNumberGenerator.GetString(Alphabet, 16) });

    static byte[] Verify(SeededLicense license) => RawConnection.Ask("GET", VerifyRows.Path, license);

    static char Another(char than, string alphabet)
    {
        char other;
        do other = alphabet[RandomNumberGenerator.GetInt32(alphabet.Length)];
        while (other == than);
        return other;
    }

    static Measured Compare(Server server, Func<byte[]> first, Func<byte[]> second, int firstStatus, int secondStatus, string? what = null)
    {
        using var connection = new RawConnection(server.Port);
        Sample(connection, first, second, Warmup, firstStatus, secondStatus);
        var (a, b) = Sample(connection, first, second, Each, firstStatus, secondStatus);
        var limit = a.Concat(b).Order().ElementAt((int)((a.Count + b.Count) * Kept));
        var (raw, cropped) = (Math.Abs(T(a, b)), Math.Abs(T([.. a.Where(time => time < limit)], [.. b.Where(time => time < limit)])));
        Say.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"  {what ?? "answered alike"}: medians {Pairs.Median(a):0.00} and {Pairs.Median(b):0.00} µs of {a.Count:N0} and {b.Count:N0}; |t| = {cropped:0.00} below {limit:0} µs, {raw:0.00} of all"));
        return new Measured(Text(a), Text(b), cropped, [cropped, raw]);
    }

    static string Text(List<double> times) => string.Create(CultureInfo.InvariantCulture, $"{Pairs.Median(times):0.00} µs");

    /// <summary>Which one is next is drawn, so that nothing that comes and goes meets one kind alone.</summary>
    static (List<double> First, List<double> Second) Sample(RawConnection connection, Func<byte[]> first, Func<byte[]> second, int each, int firstStatus, int secondStatus)
    {
        var (a, b) = (new List<double>(each * 2), new List<double>(each * 2));
        while (a.Count < each || b.Count < each)
        {
            // Both are made, whichever is sent: making one leaves no trace in the caches that the other does not.
            var (one, other) = (first(), second());
            var isFirst = RandomNumberGenerator.GetInt32(2) == 0;
            var began = Stopwatch.GetTimestamp();
            var status = connection.Exchange(isFirst ? one : other);
            (isFirst ? a : b).Add(Stopwatch.GetElapsedTime(began).TotalMicroseconds);
            if (status != (isFirst ? firstStatus : secondStatus)) throw new BenchException($"answered {status}");
        }

        return (a, b);
    }

    /// <summary>Welch's: the variances may differ.</summary>
    static double T(List<double> a, List<double> b)
    {
        var (meanA, meanB) = (a.Average(), b.Average());
        return (meanA - meanB) / Math.Sqrt((Variance(a, meanA) / a.Count) + (Variance(b, meanB) / b.Count));
    }

    static double Variance(List<double> times, double mean) => times.Sum(time => (time - mean) * (time - mean)) / (times.Count - 1);
}
