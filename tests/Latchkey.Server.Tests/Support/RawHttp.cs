using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Latchkey.Server.Tests.Support;

/// <summary>Bytes on a socket, for what no HTTP client would send.</summary>
static class RawHttp
{
    /// <returns>All that comes back until the server closes, as Latin-1.</returns>
    /// <param name="port">Of 127.0.0.1.</param>
    /// <param name="request">In Latin-1.</param>
    /// <param name="orNothing">Nobody may listen there yet.</param>
    public static async Task<string> Send(int port, string request, bool orNothing = false)
    {
        try
        {
            return await Send(port, Encoding.Latin1.GetBytes(request));
        }
        catch (SocketException) when (orNothing)
        {
            return "";
        }
    }

    public static async Task<string> Send(int port, byte[] request)
    {
        using var client = new TcpClient();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await client.ConnectAsync(IPAddress.Loopback, port, limit.Token);
        var stream = client.GetStream();
        var answer = new MemoryStream();
        try
        {
            await stream.WriteAsync(request, limit.Token);
            await stream.CopyToAsync(answer, limit.Token);
        }
        catch (IOException)
        {
            // The server may close before it has read everything; what it said before counts.
        }

        return Encoding.Latin1.GetString(answer.ToArray());
    }
}
