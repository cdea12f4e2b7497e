using System.Text;

namespace Latchkey.Bench;

/// <summary>Download requests with a fresh token each, minted outside the measured time.</summary>
static class Tokens
{
    public static byte[][] Mint(Server server, IEnumerable<SeededLicense> licenses)
    {
        byte[][] asks = [.. licenses.Select(license => RawConnection.Ask("POST", MintRows.Path, license))];
        var requests = new byte[asks.Length][];
        var fetched = Clients.Run(
            server.Port, Math.Min(64, asks.Length), asks, repeat: false, TimeSpan.FromMinutes(2), (index, connection) => requests[index] = DownloadOf(connection));
        return fetched.Answers == asks.Length ? requests : throw new BenchException($"only {fetched.Answers:N0} of {asks.Length:N0} tokens were minted in two minutes");
    }

    static byte[] DownloadOf(RawConnection minted)
    {
        var json = Encoding.UTF8.GetString(minted.Body);
        var from = json.IndexOf("/api/license/download-file/", StringComparison.Ordinal);
        return from < 0 ? throw new BenchException("a minted answer has no link") : RawConnection.Get(json[from..json.IndexOf('"', from)]);
    }
}
