using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Latchkey.Faults;

static class Ports
{
    static readonly HashSet<int> Given = [];

    /// <summary>Below those that Linux gives to outgoing connections: one of these would take a node's while it is away.</summary>
    public static int Free()
    {
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(12_000, 32_000);
            if (Given.Add(port) && IsFree(port)) return port;
        }
    }

    static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public static bool Listens(int port)
    {
        using var client = new TcpClient();
        try
        {
            client.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public static async Task Until(Func<bool> ready, Child child)
    {
        for (var tries = 0; !ready(); tries++)
        {
            child.RequireAlive();
            if (tries > 600) throw new FaultsException($"{Path.GetFileNameWithoutExtension(child.Log)} did not start");
            await Task.Delay(50);
        }
    }
}
