using System.Text.Json;
using Latchkey.Server.Activity;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.Licenses;

namespace Latchkey.Server.Products;

/// <summary><c>GET</c>, <c>HEAD</c> and <c>POST /api/license/update</c>: is there something newer than what runs there?</summary>
sealed class CheckForUpdate(LicenseDesk desk, ReleaseLookup releases, TimeProvider clock)
{
    static readonly Refusal NoVersion = Wire.InvalidRequest("version is required: the one that is installed");

    readonly record struct Found(string Current, ReleaseChoice.Newer? Shown, ReleaseNotesText? Notes, ReleaseChoice.Newer? Newest);

    public async Task Handle(HttpContext context)
    {
        Patience.Begin();
        try
        {
            if (await desk.Admit(context, ActivityKind.Update, ["GET", "HEAD", "POST"], aboutRelease: true) is not { } asked) return;
            if (asked.Release.Version is null) await desk.Refuse(context, ActivityKind.Update, NoVersion);
            else if (await desk.Grant(context, ActivityKind.Update, asked, license => ValueTask.FromResult(ReleaseChoice.OutsideChannel(asked.Release, license))) is { } granted) await Look(context, asked.Release, granted.License);
        }
        catch (StoreUnavailableException)
        {
            desk.CountUnavailable(ActivityKind.Update);
            throw;
        }
    }

    async Task Look(HttpContext context, ReleaseWish wish, LicenseFacts license)
    {
        // Whoever asks what lies beside a file asks for that when minting.
        var (current, files) = (wish.Version!, wish with { Kind = ArtifactKind.File });
        var update = await releases.Choose(license.ProductId, clock.GetUtcNow(), all => ReleaseChoice.ForUpdate(all, files, license, current));
        var shown = update?.Offered ?? update?.Withheld;
        var found = new Found(current.ToString(), shown, shown is null ? null : await releases.Notes(shown.Release.Id), update?.Offered is null ? null : update.Withheld);
        var message = shown is null ? Wire.UpToDate : shown.Why is null ? Wire.UpdateAvailable : Wire.UpdateWithheld;
        await Answer.Success(context, message, found, Write, isTagged: true);
    }

    static void Write(Utf8JsonWriter json, Found found)
    {
        json.WriteBoolean("update_available"u8, found.Shown is not null);
        json.WriteString("current_version"u8, found.Current);
        var (release, file) = (found.Shown?.Release, found.Shown?.File);
        json.WriteString("version"u8, release?.Version);
        json.WriteString("channel"u8, release?.Channel);
        json.WriteString("published_at"u8, release is null ? null : Wire.Micros(release.PublishedAt));
        json.WriteString("notes"u8, found.Notes?.Markdown);
        json.WriteString("notes_html"u8, found.Notes?.Html);
        json.WriteString("minimum_version"u8, release?.MinimumVersion);
        json.WriteString("file_name"u8, file?.FileName);
        if (file is null) json.WriteNull("file_size"u8);
        else json.WriteNumber("file_size"u8, file.Size);
        json.WriteString("sha256"u8, file is null ? null : Convert.ToHexStringLower(file.Sha256));
        json.WriteString("content_type"u8, file?.ContentType);
        WriteWhy(json, found.Shown);
        if (found.Newest is not { } newest)
        {
            json.WriteNull("newest"u8);
            return;
        }

        json.WriteStartObject("newest"u8);
        json.WriteString("version"u8, newest.Release.Version);
        json.WriteString("published_at"u8, Wire.Micros(newest.Release.PublishedAt));
        WriteWhy(json, newest);
        json.WriteEndObject();
    }

    static void WriteWhy(Utf8JsonWriter json, ReleaseChoice.Newer? newer)
    {
        if (newer is null) json.WriteNull("entitled"u8);
        else json.WriteBoolean("entitled"u8, newer.Why is null);
        json.WriteString("reason"u8, newer?.Why?.Code);
        json.WriteString("reason_message"u8, newer?.Why?.Sentence);
    }
}
