using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Latchkey.Server.Tests.Support;

/// <summary>A connection from an address of its own (all of 127.0.0.0/8 is this machine), for clients that take their time.</summary>
sealed class RawConnection : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    RawConnection()
    {
    }

    public static async Task<RawConnection> Open(int port, string from = "127.0.0.1")
    {
        var connection = new RawConnection();
        connection._socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        try
        {
            await connection._socket.ConnectAsync(IPAddress.Loopback, port);
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Closed at once, before it was even told to be open.
        }

        return connection;
    }

    public async Task Send(string text) => await _socket.SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>A whole request on a connection that is kept, and the first line of its answer; empty if there is none.</summary>
    public async Task<string> Ask()
    {
        try
        {
            await Send("GET /livez HTTP/1.1\r\nHost: h\r\n\r\n");
            var answer = "";
            for (string more; !answer.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal) && (more = await Read()).Length > 0;) answer += more;
            return answer.Split("\r\n")[0];
        }
        catch (SocketException)
        {
            return "";
        }
    }

    /// <returns>What comes next; empty if the other side has closed.</returns>
    public async Task<string> Read()
    {
        var buffer = new byte[64 * 1024];
        using var late = new CancellationTokenSource(Patience);
        try
        {
            return Encoding.Latin1.GetString(buffer, 0, await _socket.ReceiveAsync(buffer, late.Token));
        }
        catch (SocketException)
        {
            return "";
        }
    }

    public async Task<string> ReadToEnd()
    {
        var all = new StringBuilder();
        for (string more; (more = await Read()).Length > 0;) all.Append(more);
        return all.ToString();
    }

    public bool HasSomethingToRead => _socket.Poll(0, SelectMode.SelectRead);

    public void Dispose() => _socket.Dispose();
}
