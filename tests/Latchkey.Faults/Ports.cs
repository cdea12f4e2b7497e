using System.Net;
using System.Net.Sockets;

namespace Latchkey.Faults;

static class Ports
{
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
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
