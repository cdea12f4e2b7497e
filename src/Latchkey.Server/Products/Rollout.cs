using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Latchkey.Server.Products;

/// <summary>
/// A release for some of its licenses first. Which they are is a hash of license and release: the same at every
/// request and on every server, others for the next release, and with a rising percentage only more.
/// </summary>
static class Rollout
{
    public static bool Includes(long release, long license, int percent) => percent >= 100 || Place(release, license) < percent * 100;

    /// <summary>0 to 9999, evenly spread.</summary>
    static int Place(long release, long license)
    {
        Span<byte> ids = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(ids, release);
        BinaryPrimitives.WriteInt64BigEndian(ids[8..], license);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(ids, hash);
        return (int)(BinaryPrimitives.ReadUInt64BigEndian(hash) % 10_000);
    }
}
