using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Latchkey.Server.Data;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>
/// Codes of an authenticator app (RFC 6238: SHA-1, 30 seconds, 6 digits). Identity's own takes a code any number
/// of times within minutes, and looks at a clock of its own.
/// </summary>
static class Totp
{
    const int Seconds = 30;

    // As many as one person may use within a day; and how far behind another a code is of a time that is over, not of a clock that was wrong.
    const int Remembered = 16;
    const int Behind = 10;

    const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    /// <summary>The code of this moment, of the one before or the one after, and never one that was accepted already.</summary>
    /// <returns>Whether it is right; then it is spent.</returns>
    public static bool Spend(LatchkeyDb db, long operatorId, string key, string code, DateTimeOffset now)
    {
        if (code.Length != 6) return false;
        var current = now.ToUnixTimeSeconds() / Seconds;
        for (var step = current - 1; step <= current + 1; step++)
        {
            if (Matches(Code(key, step), code)) return TrySpend(db, operatorId, step);
        }

        return false;
    }

    static bool Matches(string right, string given) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(right), Encoding.UTF8.GetBytes(given));

    /// <summary>
    /// The codes that were accepted last are remembered one by one: a clock that went ahead, and back again, keeps nobody out, and brings none
    /// of them back. The row count decides between two who bring the same code at once.
    /// </summary>
    static bool TrySpend(LatchkeyDb db, long operatorId, long step)
    {
        var before = db.UserTokens.AsNoTracking().Where(t => t.UserId == operatorId && t.LoginProvider == "latchkey" && t.Name == "last_totp_step").Select(t => t.Value).SingleOrDefault() ?? "";
        var spent = before.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(text => long.Parse(text, CultureInfo.InvariantCulture)).ToList();
        if (spent.Any(other => other >= step && other - step < Behind) || spent.Contains(step)) return false;
        var after = string.Join(' ', spent.Append(step).TakeLast(Remembered));
        return db.Database.ExecuteSql($"""
            INSERT INTO operator_tokens (user_id, login_provider, name, value) VALUES ({operatorId}, 'latchkey', 'last_totp_step', {after})
            ON CONFLICT (user_id, login_provider, name) DO UPDATE SET value = excluded.value
            WHERE operator_tokens.value = {before}
            """) == 1;
    }

    public static string CodeAt(string key, DateTimeOffset time) => Code(key, time.ToUnixTimeSeconds() / Seconds);

    static string Code(string key, long step)
    {
        Span<byte> counter = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        Span<byte> hash = stackalloc byte[HMACSHA1.HashSizeInBytes];
#pragma warning disable CA5350 // RFC 6238's usual hash, and the only one that every authenticator app knows.
        HMACSHA1.HashData(Decode(key), counter, hash);
#pragma warning restore CA5350
        var number = BinaryPrimitives.ReadInt32BigEndian(hash[(hash[^1] & 15)..]) & int.MaxValue;
        return (number % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);
    }

    static byte[] Decode(string base32)
    {
        var bytes = new byte[base32.Length * 5 / 8];
        int buffer = 0, bits = 0, length = 0;
        foreach (var c in base32)
        {
            buffer = (buffer << 5) | Base32.IndexOf(c, StringComparison.Ordinal);
            bits += 5;
            if (bits < 8) continue;
            bits -= 8;
            bytes[length++] = (byte)(buffer >> bits);
        }

        return bytes;
    }
}
