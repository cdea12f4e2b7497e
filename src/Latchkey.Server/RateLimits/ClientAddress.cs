using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Latchkey.Server.RateLimits;

/// <summary>
/// Who counts as one client: an IPv4 address, or an IPv6 /64 (the smallest block a provider hands out).
/// An IPv4-mapped IPv6 address is its IPv4 address.
/// </summary>
readonly record struct ClientAddress(bool IsV6, ulong Bits)
{
    public static ClientAddress Of(IPAddress? address)
    {
        if (address is null) return default;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? new ClientAddress(true, BinaryPrimitives.ReadUInt64BigEndian(bytes))
            : new ClientAddress(false, BinaryPrimitives.ReadUInt32BigEndian(bytes));
    }

    // Seeded per process: nobody can pick addresses that fall into one bucket.
    public override int GetHashCode() => HashCode.Combine(Bits, IsV6);

    public static ClientAddress Of(HttpContext context) => Of(context.Connection.RemoteIpAddress);

    /// <summary><c>203.0.113.7</c> or <c>2001:db8:1:2::/64</c>.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!IsV6)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Bits);
            return new IPAddress(bytes[..4]).ToString();
        }

        bytes.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Bits);
        return new IPAddress(bytes) + "/64";
    }
}
