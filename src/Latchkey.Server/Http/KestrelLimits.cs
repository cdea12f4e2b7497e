using System.Text;
using Latchkey.Server.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Latchkey.Server.Http;

/// <summary>What one connection may cost.</summary>
static class KestrelLimits
{
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    public static void Apply(KestrelServerOptions kestrel, Settings settings)
    {
        kestrel.AddServerHeader = false;

        // Every byte a client can send is readable, so that it gets our answer and not a bare 400.
        kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        var limits = kestrel.Limits;

        // Our own limit is 16 KiB. What is somewhat over it is read to its end and thrown away, so that the
        // client, or a proxy that is still sending, gets the answer and not a reset connection.
        limits.MaxRequestBodySize = 64 * RequestFields.MaxBody;
        limits.MaxRequestHeadersTotalSize = 16 * 1024;
        limits.RequestHeadersTimeout = settings.Connections.HeaderTimeout;

        // Also what a connection has on which nothing was ever asked.
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(20);
        limits.MinRequestBodyDataRate = new MinDataRate(240, TimeSpan.FromSeconds(5));
        var slowest = settings.Downloads.MinimumBytesPerSecond;
        limits.MinResponseDataRate = slowest == 0 ? null : new MinDataRate(slowest, Grace);
    }
}
