using System.Globalization;

namespace Latchkey.Bench;

/// <summary>The license that a number stands for: made from the number alone, so that no list of keys has to be kept.</summary>
sealed record SeededLicense(string Key, string Domain, long Product)
{
    const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    public static SeededLicense Number(long number, long product = 1)
    {
        Span<char> random = stackalloc char[16];
        var (low, high) = (Mix((ulong)number * 2), Mix((ulong)number * 2 + 1));
        for (var i = 0; i < 8; i++, low /= 36, high /= 36) (random[i], random[i + 8]) = (Alphabet[(int)(low % 36)], Alphabet[(int)(high % 36)]);
        return new SeededLicense($"BENCH_{random}", string.Create(CultureInfo.InvariantCulture, $"customer{number}.example.com"), product);
    }

    /// <summary>SplitMix64: neighbours become unlike. For test data only.</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
