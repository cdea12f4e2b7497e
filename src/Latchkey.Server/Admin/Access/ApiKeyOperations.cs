using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Admin.Access;

/// <summary>An API key as its owner sees it. <c>key</c> is there once, when it is made.</summary>
/// <param name="State"><c>active</c>, <c>expired</c> or <c>revoked</c>.</param>
public sealed record ApiKeyView(
    long Id, string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), OutsideState] string? Key, string KeySuffix,
    IReadOnlyList<string> Scopes, IReadOnlyList<string> Networks, string State, string CreatedBy, string CreatedAt, string? ExpiresAt,
    string? RevokedAt, [property: OutsideState] string? LastUsedAt, [property: OutsideState] string? LastUsedFrom) : IResource;

/// <summary>What a new API key is to be.</summary>
/// <param name="Name">For people.</param>
/// <param name="Scopes">Some of <see cref="Permission.All"/>.</param>
/// <param name="Networks">Addresses or CIDR networks it may be used from; none: from anywhere.</param>
/// <param name="ExpiresAt">Null: never.</param>
sealed record NewApiKey(string Name, IReadOnlyList<string> Scopes, IReadOnlyList<string>? Networks = null, DateTimeOffset? ExpiresAt = null);

/// <summary>What an owner does with API keys.</summary>
sealed class ApiKeyOperations(UnitOfWork work)
{
    public const string Prefix = "lka_";
    const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    LatchkeyDb Db => work.Db;

    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <returns>With the key, this once.</returns>
    public ApiKeyView Add(NewApiKey wanted)
    {
        work.Require(Permission.ApiKeysWrite, confirmed: true);
        wanted = AsNarrowAsItsMaker(wanted);
        Check(wanted);

        // 43 of 62 characters: 256 random bits.
        var key = Prefix + RandomNumberGenerator.GetString(Alphabet, 43);
        return work.Change("api_key.add", () => (ApiKeyView?)null, _ =>
        {
            var row = new ApiKey
            {
                Name = wanted.Name.Trim(),
                Hash = HashOf(key),
                Suffix = key[^4..],
                Scopes = string.Join(' ', Permission.All.Where(wanted.Scopes.Contains)),
                Networks = wanted.Networks is { Count: > 0 } networks ? string.Join(' ', networks.Select(n => ParseNetwork(n)!.Value.ToString())) : null,
                CreatedBy = work.Actor.Name,
                CreatedAt = work.Now,
                ExpiresAt = wanted.ExpiresAt,
            };
            Db.Add(row);
            Db.SaveChanges();
            return View(row.Id)! with { Key = key };
        }, view => view.Id);
    }

    /// <summary>A key that an API key makes can be used from no more places, and no longer, than the key that makes it; by default as that.</summary>
    NewApiKey AsNarrowAsItsMaker(NewApiKey wanted)
    {
        if (Maker() is not { } maker) return wanted;
        var networks = maker.Networks?.Split(' ');
        return wanted with { Networks = wanted.Networks is { Count: > 0 } given ? given : networks, ExpiresAt = wanted.ExpiresAt ?? maker.ExpiresAt };
    }

    ApiKey? Maker() => work.Actor.Kind == ActorKind.ApiKey ? Db.ApiKeys.AsNoTracking().SingleOrDefault(k => k.Id == work.Actor.Id) : null;

    void Check(NewApiKey wanted)
    {
        var maker = Maker();
        var networks = maker?.Networks?.Split(' ').Select(text => IPNetwork.Parse(text)).ToList();
        var faults = new Faults();
        faults.Unless(!string.IsNullOrWhiteSpace(wanted.Name) && wanted.Name.Length <= 100 && !wanted.Name.Any(char.IsControl), "/name", "The name must be 1 to 100 characters, on one line.");
        faults.Unless(wanted.Scopes.Count > 0, "/scopes", $"Name at least one scope of {string.Join(", ", Permission.All)}.");
        foreach (var (index, scope) in wanted.Scopes.Index())
        {
            if (!Permission.All.Contains(scope)) faults.Add($"/scopes/{index}", $"There is no scope \"{scope}\": choose from {string.Join(", ", Permission.All)}.");
            else faults.Unless(work.Actor.May(scope), $"/scopes/{index}", $"You cannot give {scope}, which you do not have.");
        }

        foreach (var (index, network) in (wanted.Networks ?? []).Index())
        {
            if (ParseNetwork(network) is not { } parsed) faults.Add($"/networks/{index}", $"\"{network}\" is not an address or a CIDR network, as 203.0.113.7 or 10.0.0.0/8.");
            else faults.Unless(networks is null || networks.Exists(own => IsWithin(own, parsed)), $"/networks/{index}", $"You cannot open {network}, from where your own key may not be used.");
        }

        faults.Unless(maker?.ExpiresAt is not { } end || wanted.ExpiresAt <= end, "/expires_at", "It cannot be good for longer than your own key.");

        faults.Unless(wanted.ExpiresAt is not { } expires || expires > work.Now, "/expires_at", "The expiry must lie in the future.");
        faults.Throw();
    }

    static bool IsWithin(IPNetwork network, IPNetwork other) => network.PrefixLength <= other.PrefixLength && network.Contains(other.BaseAddress);

    static IPNetwork? ParseNetwork(string text) =>
        IPNetwork.TryParse(text, out var network) ? network
        : IPAddress.TryParse(text, out var address) && !text.Contains('%') ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : null;

    public ApiKeyView Show(long id)
    {
        work.Require(Permission.ApiKeysRead);
        return View(id) ?? throw Missing(id);
    }

    /// <param name="page">Sorted by <c>-id</c>.</param>
    public Page<ApiKeyView> List(PageRequest page)
    {
        work.Require(Permission.ApiKeysRead);
        page.Check("-id");
        var keys = Db.ApiKeys.AsQueryable();
        if (page.After() is { Id: var after }) keys = keys.Where(k => k.Id < after);
        return page.Cut([.. keys.OrderByDescending(k => k.Id).Take(page.Limit + 1).AsNoTracking().AsEnumerable().Select(ViewOf)], view => view.Id);
    }

    /// <summary>It stops working at once, for good.</summary>
    public ApiKeyView Revoke(long id)
    {
        work.Require(Permission.ApiKeysWrite, confirmed: true);
        return work.Change("api_key.revoke", () => View(id), _ =>
        {
            var key = Db.ApiKeys.Find(id) ?? throw Missing(id);
            key.RevokedAt ??= work.Now;

            // What it has invited, if it was stolen, does not stay behind.
            Links.End(Db.Invitations.Where(i => i.CreatedBy == key.Name));
            Db.SaveChanges();
            return View(id)!;
        }, view => view.Id);
    }

    static OperationException Missing(long id) => OperationException.Missing("API key", id.ToString(CultureInfo.InvariantCulture), "\"latchkey api-key list\" shows those there are.");

    ApiKeyView? View(long id) => Db.ApiKeys.AsNoTracking().Where(k => k.Id == id).AsEnumerable().Select(ViewOf).SingleOrDefault();

    ApiKeyView ViewOf(ApiKey key) => new(
        key.Id, key.Name, null, key.Suffix, key.Scopes.Split(' '), key.Networks?.Split(' ') ?? [],
        key.RevokedAt is not null ? "revoked" : key.ExpiresAt <= work.Now ? "expired" : "active",
        key.CreatedBy, Wire.Micros(key.CreatedAt), Time(key.ExpiresAt), Time(key.RevokedAt), Time(key.LastUsedAt), key.LastUsedFrom);

    static string? Time(DateTimeOffset? time) => time is { } at ? Wire.Micros(at) : null;
}
