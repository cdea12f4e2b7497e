using System.Security.Cryptography;

namespace Latchkey.Server.Licenses;

/// <summary>
/// A license key is <c>PREFIX_</c> and 16 (to 64) characters of A–Z and 0–9. All 36 occur, so nothing
/// folds look-alikes: a key means itself, but for white space around it. Vendors may bring keys of
/// their own: 8 to 256 characters of letters, digits, <c>_</c> and <c>-</c>.
/// </summary>
static class LicenseKey
{
    public const int DefaultLength = 16;
    public const int MaxRandomLength = 64;
    public const int MinLength = 8;
    public const int MaxLength = 256;
    public const int MaxPrefixLength = 32;

    /// <summary>Characters that lists show, and searches compare.</summary>
    public const int MaxSuffix = 4;

    const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    /// <summary>A fresh key; its characters are drawn without modulo bias.</summary>
    public static string Generate(string prefix, int length) =>
        $"{prefix}_{RandomNumberGenerator.GetString(Alphabet, length)}";

    /// <summary>The end of a key that is kept readable, so that an operator finds it by what a customer reads out.</summary>
    public static string Suffix(string key) => key[^Math.Min(MaxSuffix, key.Length / 4)..];

    public static bool IsWellFormed(string key) =>
        key.Length is >= MinLength and <= MaxLength && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    public static bool IsPrefix(string prefix) =>
        prefix.Length is >= 1 and <= MaxPrefixLength && prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    public const string PrefixRule = "1 to 32 letters, digits, '_' or '-'";
    public const string Rule = "8 to 256 letters, digits, '_' or '-'";
}
