using System.Text.Json;
using Latchkey.Server.Activity;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.Licenses;
using Latchkey.Server.Products;
using Latchkey.Server.RateLimits;

namespace Latchkey.Server.Downloads;

/// <summary><c>POST /api/license/download</c>: a one-time link to a release's file: the one that is named, else the newest.</summary>
sealed partial class MintDownload(
    LicenseDesk desk, DownloadTokens tokens, ReleaseLookup releases, ActivityBoard activity, Settings settings, TimeProvider clock, ILogger<MintDownload> log)
{
    static readonly Refusal NoHost = Wire.InvalidRequest("Send a Host header with the name of this server: the download URL is made of it");

    readonly record struct Minted(string Url, DateTimeOffset ExpiresAt, string ProductName, OfferedRelease Release, Artifact File);

    public async Task Handle(HttpContext context)
    {
        Patience.Begin();
        try
        {
            if (await desk.Admit(context, ActivityKind.Mint, ["POST"], aboutRelease: true) is { } asked) await Mint(context, asked);
        }
        catch (StoreUnavailableException)
        {
            desk.CountUnavailable(ActivityKind.Mint);
            throw;
        }
    }

    async Task Mint(HttpContext context, LicenseRequest asked)
    {
        if (settings.PublicUrl is null && !HostHeader.FitsInUrl(context.Request))
        {
            activity.Count(ActivityKind.Mint, NoHost.Code);
            await Answer.Refuse(context, NoHost);
            return;
        }

        var now = clock.GetUtcNow();
        ReleaseChoice.Choice? choice = null;
        var granted = await desk.Grant(context, ActivityKind.Mint, asked, async license =>
        {
            if (!license.ApiDownload) return Wire.ApiDownloadDisabled;
            choice = await releases.Choose(license.ProductId, now, all => ReleaseChoice.ForDownload(all, asked.Release, license));
            return choice is null ? Wire.NoDownloadableFile : choice.Refused;
        });
        if (granted is not { License: var license } || choice is not { Release: { } release, File: { } file }) return;

        var expires = now + settings.Downloads.TokenLifetime;
        var token = await tokens.Mint(license.Id, file.Id, now, expires);
        desk.Note(context, ActivityKind.Mint, asked, license, ActivityOutcome.Ok);
        MintedToken(license.Id, asked.Host, file.Id, ClientAddress.Of(context).ToString(), context.TraceIdentifier);
        var minted = new Minted(Url(settings.HomeOf(context.Request), token), expires, license.ProductName, release, file);
        await Answer.Success(context, Wire.TokenGenerated, minted, Write);
    }

    public static string Url(string home, string token) => $"{home}/api/license/download-file/{token}";

    static void Write(Utf8JsonWriter json, Minted minted)
    {
        json.WriteString("download_url"u8, minted.Url);
        json.WriteString("expires_at"u8, Wire.Millis(minted.ExpiresAt));
        json.WriteString("product_name"u8, minted.ProductName);
        json.WriteNumber("file_size"u8, minted.File.Size);
        json.WriteString("version"u8, minted.Release.Version);
        json.WriteString("file_name"u8, minted.File.FileName);
        json.WriteString("sha256"u8, Convert.ToHexStringLower(minted.File.Sha256));
        json.WriteString("content_type"u8, minted.File.ContentType);
    }

    [LoggerMessage(30, LogLevel.Information, "Minted a download token: license {LicenseId}, domain {Domain}, file {ArtifactId}, address {Address}, request {RequestId}")]
    partial void MintedToken(long licenseId, string domain, long artifactId, string address, string requestId);
}
