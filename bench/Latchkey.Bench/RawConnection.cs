using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Latchkey.Bench;

/// <summary>
/// One kept connection over a blocking socket, which reads no more of an answer than it must and throws its bytes
/// away: an HttpClient costs more than the servers it would measure. Not thread-safe.
/// </summary>
sealed class RawConnection : IDisposable
{
    const int BufferSize = 256 * 1024;

    readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    readonly byte[] _buffer = new byte[BufferSize];
    long _received;

    /// <exception cref="SocketException">Nobody listens.</exception>
    public RawConnection(int port) => _socket.Connect(IPAddress.Loopback, port);

    /// <summary>Bytes so far; other threads may ask.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>The last answer's body, as far as it fits.</summary>
    public ReadOnlySpan<byte> Body => _buffer.AsSpan(_body, _bodyLength);

    int _body;
    int _bodyLength;

    public static byte[] Get(string path) => Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");

    public static byte[] Ask(string method, string path, SeededLicense license) => Encoding.ASCII.GetBytes(
        $"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {license.Key}\r\n"
        + $"X-Domain: {license.Domain}\r\nX-Product-ID: {license.Product}\r\nContent-Length: 0\r\n\r\n");

    /// <returns>The status, once the whole answer is here.</returns>
    public int Exchange(ReadOnlySpan<byte> request)
    {
        while (request.Length > 0) request = request[_socket.Send(request)..];
        int have = 0, end;
        do have += Receive(have);
        while ((end = _buffer.AsSpan(0, have).IndexOf("\r\n\r\n"u8)) < 0);
        var head = _buffer.AsSpan(0, end);
        var (length, status) = (ContentLength(head), Number(head[9..]));
        _body = end + 4;
        ReadBody(have, length);
        return (int)status;
    }

    void ReadBody(int have, long length)
    {
        var left = length - (have - _body);
        var fits = _body + length <= BufferSize;
        _bodyLength = fits ? (int)length : 0;
        while (left > 0)
        {
            var read = Receive(fits ? have : 0);
            have += fits ? read : 0;
            left -= read;
        }
    }

    int Receive(int at)
    {
        var read = _socket.Receive(_buffer.AsSpan(at));
        if (read == 0) throw new BenchException("the server closed the connection in the middle of an answer");
        Volatile.Write(ref _received, _received + read);
        return read;
    }

    static long ContentLength(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> name = "\r\nContent-Length: "u8;
        var at = head.IndexOf(name);
        return at < 0 ? throw new BenchException("an answer has no Content-Length") : Number(head[(at + name.Length)..]);
    }

    static long Number(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out long value, out _) ? value : throw new BenchException("an answer cannot be read");

    /// <summary>Also from another thread, to end an exchange that is under way.</summary>
    public void Dispose() => _socket.Dispose();
}
