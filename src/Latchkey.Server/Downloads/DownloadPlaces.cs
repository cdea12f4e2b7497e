using System.Runtime.InteropServices;
using Latchkey.Server.Configuration;
using Latchkey.Server.Http;
using Latchkey.Server.RateLimits;

namespace Latchkey.Server.Downloads;

/// <summary>How many downloads this process sends at once: in all, to one client address, and of one license.</summary>
sealed partial class DownloadPlaces(Settings settings, TimeProvider clock, ILogger<DownloadPlaces> log)
{
    readonly DownloadSettings _caps = settings.Downloads;
    readonly Dictionary<ClientAddress, int> _ofAddress = [];
    readonly Dictionary<long, int> _ofLicense = [];
    readonly Episode _full = new(clock);
    readonly Lock _gate = new();
    int _running;
    long _refusedInAll;
    long _refusedToAddresses;
    long _refusedToLicenses;

    public int Running => Volatile.Read(ref _running);

    /// <summary>So many were refused since the start, by the cap that was met.</summary>
    public (long InAll, long Addresses, long Licenses) Refused => (Volatile.Read(ref _refusedInAll), Volatile.Read(ref _refusedToAddresses), Volatile.Read(ref _refusedToLicenses));

    /// <summary>Addresses and licenses that are remembered: those with a download under way.</summary>
    public int Remembered
    {
        get { lock (_gate) return _ofAddress.Count + _ofLicense.Count; }
    }

    /// <param name="client">Whom it is sent to.</param>
    /// <param name="license">Of the token.</param>
    /// <param name="refused">Null if there is a place.</param>
    /// <returns>To be given back; null if there is none.</returns>
    public Place? TryTake(ClientAddress client, long license, out Refusal? refused)
    {
        lock (_gate)
        {
            refused = Full(client, license);
            if (refused is null)
            {
                _running++;
                CollectionsMarshal.GetValueRefOrAddDefault(_ofAddress, client, out _)++;
                CollectionsMarshal.GetValueRefOrAddDefault(_ofLicense, license, out _)++;
                return new Place(this, client, license);
            }
        }

        if (_full.Begins()) Refuses(refused.Cause ?? "too many in all", client.ToString(), license);
        return null;
    }

    Refusal? Full(ClientAddress client, long license)
    {
        if (_running >= _caps.MaxConcurrent) return Count(ref _refusedInAll, Wire.TooManyDownloads);
        if (_caps.PerAddress > 0 && _ofAddress.GetValueOrDefault(client) >= _caps.PerAddress) return Count(ref _refusedToAddresses, Wire.TooManyDownloadsOfAddress);
        return _caps.PerLicense > 0 && _ofLicense.GetValueOrDefault(license) >= _caps.PerLicense ? Count(ref _refusedToLicenses, Wire.TooManyDownloadsOfLicense) : null;
    }

    static Refusal Count(ref long refused, Refusal refusal)
    {
        refused++;
        return refusal;
    }

    void GiveBack(ClientAddress client, long license)
    {
        lock (_gate)
        {
            _running--;
            if (--CollectionsMarshal.GetValueRefOrAddDefault(_ofAddress, client, out _) == 0) _ofAddress.Remove(client);
            if (--CollectionsMarshal.GetValueRefOrAddDefault(_ofLicense, license, out _) == 0) _ofLicense.Remove(license);
        }
    }

    /// <summary>Of one download, until it has ended.</summary>
    public sealed class Place(DownloadPlaces places, ClientAddress client, long license) : IDisposable
    {
        DownloadPlaces? _places = places;

        public void Dispose() => Interlocked.Exchange(ref _places, null)?.GiveBack(client, license);
    }

    [LoggerMessage(54, LogLevel.Warning, "Downloads are refused: {Reason} (address {Address}, license {LicenseId}); said again after a minute without")]
    partial void Refuses(string reason, string address, long licenseId);
}
