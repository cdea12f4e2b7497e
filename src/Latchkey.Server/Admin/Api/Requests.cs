using System.ComponentModel;
using Latchkey.Server.Data;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Mvc;

namespace Latchkey.Server.Admin.Api;

/// <summary>Which part of a list.</summary>
sealed class Paging
{
    [FromQuery(Name = "cursor"), Description("The next_cursor of the page before")]
    public string? Cursor { get; init; }

    [FromQuery(Name = "limit"), Description("Items at the most, 1 to 100; usual is 50")]
    public int? Limit { get; init; }

    [FromQuery(Name = "sort"), Description("A field's name, with - before it for falling order")]
    public string? Sort { get; init; }

    internal PageRequest Request => new(Cursor, Limit ?? 50, Sort);
}

static class Times
{
    /// <param name="text">A date, or a time; null stays null.</param>
    /// <param name="pointer">Which field it is of.</param>
    /// <param name="endOfDay">A date alone is its last moment.</param>
    /// <exception cref="OperationException">It is neither.</exception>
    public static DateTimeOffset? Read(string? text, string pointer, bool endOfDay) =>
        string.IsNullOrEmpty(text) ? null : Moment.Parse(text, endOfDay) ?? throw OperationException.Invalid(pointer, $"{pointer.TrimStart('/')} must be {Moment.Rule}.");
}

/// <param name="Id">A number that installers have built in; else the next free one.</param>
/// <param name="Name">As customers see it.</param>
/// <param name="Prefix">License keys begin with PREFIX_.</param>
/// <param name="KeyLength">Random characters of a key, 16 to 64.</param>
/// <param name="ApiDownload">Licenses may download through the API.</param>
/// <param name="BindOnFirstUse">A license without a domain takes the first that asks.</param>
sealed record CreateProductRequest(string Name, string Prefix, long? Id = null, int? KeyLength = null, bool? ApiDownload = null, bool? BindOnFirstUse = null);

/// <summary>What is left out stays as it is.</summary>
sealed record EditProductRequest(string? Name = null, string? Prefix = null, int? KeyLength = null, bool? ApiDownload = null, bool? BindOnFirstUse = null);

/// <param name="Id">Your own customer number, the wire's user_id; else the next free one.</param>
sealed record CreateCustomerRequest(long? Id = null, string? Name = null, string? Email = null, string? Reference = null, string? Notes = null);

/// <summary>What is left out stays as it is; an empty text takes away.</summary>
sealed record EditCustomerRequest(string? Name = null, string? Email = null, string? Reference = null, string? Notes = null);

/// <param name="ProductId">For which product.</param>
/// <param name="Domains">Host names, or *.example.com; none: the first that asks is bound, if the product allows it.</param>
/// <param name="MaxDomains">How many domains it may hold; usual is 1, or as many as are named.</param>
/// <param name="UserId">Your own customer number.</param>
/// <param name="ExpiresAt">A date (good through its end, UTC) or a time; none: never.</param>
/// <param name="LicenseKey">A key of your own, 8 to 256 of A-Z a-z 0-9 _ -.</param>
/// <param name="UpdatesUntil">It may have what was published through this date or time; none: everything.</param>
/// <param name="Channel">The channel it is on: stable (usual), beta, alpha, dev, or one of your own.</param>
sealed record IssueLicenseRequest(
    long ProductId, IReadOnlyList<string>? Domains = null, int? MaxDomains = null, long? UserId = null, string? ExpiresAt = null, string? LicenseKey = null,
    string? UpdatesUntil = null, string? Channel = null);

/// <param name="Count">1 to 10,000 licenses alike, without domains.</param>
sealed record IssueManyRequest(
    long ProductId, int Count, int? MaxDomains = null, long? UserId = null, string? ExpiresAt = null, string? UpdatesUntil = null, string? Channel = null);

/// <summary>What is left out stays as it is.</summary>
/// <param name="ExpiresAt">A date or a time; an empty text: never.</param>
/// <param name="NoUser">True takes the customer away.</param>
/// <param name="UpdatesUntil">A date or a time; an empty text: every release.</param>
/// <param name="Channel">An empty text is stable.</param>
sealed record EditLicenseRequest(
    int? MaxDomains = null, long? UserId = null, string? ExpiresAt = null, bool NoUser = false, string? UpdatesUntil = null, string? Channel = null);

/// <summary>Which file; what is left out is as for the license's own software: the newest release that it may have.</summary>
sealed record CreateLinkRequest(string? Version = null, string? Channel = null, string? Platform = null, string? Arch = null)
{
    internal ReleaseWish Wish => ReleaseWish.Of(Version, Channel, Platform, Arch);
}

/// <param name="Version">Semantic Versioning 2.0.</param>
/// <param name="Channel">Usual is what the version says: 2.0.0-alpha.1 is alpha, other pre-releases are beta, the rest is stable.</param>
/// <param name="Notes">What is new, in Markdown.</param>
/// <param name="RolloutPercent">To how many of a hundred licenses it is offered; usual is 100.</param>
/// <param name="MinimumVersion">Who has less is offered an older release first.</param>
sealed record CreateReleaseRequest(string Version, string? Channel = null, string? Notes = null, int? RolloutPercent = null, string? MinimumVersion = null)
{
    internal ReleaseFields Fields => new(Version, Channel, Notes, RolloutPercent, MinimumVersion);
}

/// <summary>What is left out stays as it is; the version of a draft alone can change.</summary>
/// <param name="MinimumVersion">An empty text takes it away.</param>
sealed record EditReleaseRequest(string? Version = null, string? Channel = null, string? Notes = null, int? RolloutPercent = null, string? MinimumVersion = null)
{
    internal ReleaseFields Fields => new(Version, Channel, Notes, RolloutPercent, MinimumVersion);
}

/// <param name="PublishedAt">A time to come, or a date (its beginning, UTC); none: now.</param>
sealed record PublishRequest(string? PublishedAt = null);

/// <param name="OverlapHours">For so long the old key works as well; usual is 0, 2160 (90 days) the most.</param>
sealed record RotateRequest(double OverlapHours = 0);

sealed record BindRequest(string Domain);

/// <param name="From">A domain that the license is bound to.</param>
/// <param name="To">The one that takes its place.</param>
sealed record RebindRequest(string From, string To);

/// <param name="Ids">1 to 10,000 license numbers.</param>
sealed record LicenseIdsRequest(IReadOnlyList<long> Ids);

/// <param name="Name">What uses it, for people.</param>
/// <param name="Scopes">What it may do.</param>
/// <param name="Networks">Addresses or CIDR networks it may be used from; none: from anywhere.</param>
/// <param name="ExpiresAt">A date (good through its end, UTC) or a time; none: never.</param>
sealed record CreateApiKeyRequest(string Name, IReadOnlyList<string> Scopes, IReadOnlyList<string>? Networks = null, string? ExpiresAt = null);
