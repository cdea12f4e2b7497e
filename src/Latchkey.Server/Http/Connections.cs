using System.Net;
using Latchkey.Server.Configuration;
using Latchkey.Server.RateLimits;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Latchkey.Server.Http;

/// <summary>
/// Caps on open connections, in all and for one client address. Where one is met, the connection that has waited longest for its client
/// gives way to the new one: whoever has something to ask is answered, and whoever only holds connections open loses them. Where all are at work,
/// the new one is closed at once. Those of listed proxies count in all, and never give way.
/// </summary>
sealed partial class Connections(Settings settings, TimeProvider clock, ILogger<Connections> log)
{
    // Looking for the longest waiting of all is not done for each one that comes.
    const int PartThatGivesWay = 64;

    readonly ConnectionSettings _caps = settings.Connections;
    readonly Dictionary<ClientAddress, HashSet<OpenConnection>> _ofClients = [];
    readonly Episode _fullInAll = new(clock);
    readonly Episode _fullForAddress = new(clock);
    readonly Lock _gate = new();
    int _open;
    long _closedInAll;
    long _closedOfAddresses;

    /// <summary>So many were closed since the start, by the cap that was met.</summary>
    public (long InAll, long Addresses) Closed => (Volatile.Read(ref _closedInAll), Volatile.Read(ref _closedOfAddresses));

    public int Open => Volatile.Read(ref _open);

    /// <summary>Addresses that are remembered: those with an open connection.</summary>
    public int Clients
    {
        get { lock (_gate) return _ofClients.Count; }
    }

    public static void Watch(KestrelServerOptions kestrel)
    {
        var connections = kestrel.ApplicationServices.GetRequiredService<Connections>();
        kestrel.ConfigureEndpointDefaults(listen =>
        {
            // One request at a time on each: HTTP/2, and what can be done to it, ends at the proxy in front.
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection => connections.Serve(connection, next));
        });
    }

    async Task Serve(ConnectionContext connection, ConnectionDelegate next)
    {
        var mine = new OpenConnection(connection, ClientOf(connection));
        if (!Admit(mine))
        {
            connection.Abort();
            return;
        }

        connection.Features.Set(mine);
        try
        {
            await next(connection);
        }
        finally
        {
            lock (_gate) Remove(mine);
        }
    }

    ClientAddress? ClientOf(ConnectionContext connection)
    {
        var address = ((IPEndPoint)connection.RemoteEndPoint!).Address;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return settings.TrustedProxies.Any(proxy => proxy.Contains(address)) ? null : ClientAddress.Of(address);
    }

    bool Admit(OpenConnection mine)
    {
        List<OpenConnection> leaving = [];
        bool isFullForAddress, isFullInAll, admitted;
        lock (_gate)
        {
            isFullForAddress = MakeRoomForAddress(mine, leaving, out var hasRoom);
            isFullInAll = hasRoom && _open >= _caps.Max;
            if (isFullInAll) GiveWay(_ofClients.Values.SelectMany(all => all), (_caps.Max / PartThatGivesWay) + 1, leaving);
            admitted = hasRoom && _open < _caps.Max;
            if (admitted) Add(mine);
            var closed = leaving.Count + (admitted ? 0 : 1);
            if (isFullInAll) _closedInAll += closed;
            else _closedOfAddresses += closed;
        }

        // Outside of the gate: their ends may be worked off on this very thread.
        foreach (var other in leaving) other.Close();
        if (isFullInAll && _fullInAll.Begins()) Full(_caps.Max);
        if (isFullForAddress && _fullForAddress.Begins()) FullForAddress(mine.Client.ToString()!, _caps.PerAddress);
        return admitted;
    }

    bool MakeRoomForAddress(OpenConnection mine, List<OpenConnection> leaving, out bool hasRoom)
    {
        hasRoom = true;
        if (_caps.PerAddress == 0 || mine.Client is not { } client || !_ofClients.TryGetValue(client, out var others) || others.Count < _caps.PerAddress) return false;
        GiveWay(others, 1, leaving);
        hasRoom = leaving.Count > 0;
        return true;
    }

    void GiveWay(IEnumerable<OpenConnection> those, int many, List<OpenConnection> leaving)
    {
        foreach (var one in those.Where(one => one.IsWaiting).OrderBy(one => one.Since).Take(many).ToList())
        {
            if (!one.TryGiveWay()) continue;
            Remove(one);
            leaving.Add(one);
        }
    }

    void Add(OpenConnection one)
    {
        _open++;
        if (one.Client is not { } client) return;
        if (!_ofClients.TryGetValue(client, out var all)) _ofClients[client] = all = [];
        all.Add(one);
    }

    /// <summary>Called twice for one that gave way: when it was told to, and when it has ended.</summary>
    void Remove(OpenConnection one)
    {
        if (one.IsRemoved) return;
        one.IsRemoved = true;
        _open--;
        if (one.Client is not { } client || !_ofClients.TryGetValue(client, out var all)) return;
        all.Remove(one);
        if (all.Count == 0) _ofClients.Remove(client);
    }

    [LoggerMessage(90, LogLevel.Warning, "All {Cap} connections are open (Connections:Max): those that wait longest for their clients are closed; said again after a minute without")]
    partial void Full(int cap);

    [LoggerMessage(91, LogLevel.Warning, "The address {Address} has {Cap} connections open (Connections:PerAddress): its longest waiting are closed; is it a proxy that TrustedProxies does not list? Said again after a minute without")]
    partial void FullForAddress(string address, int cap);
}
