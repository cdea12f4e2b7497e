using System.Collections.Frozen;
using System.Globalization;
using Latchkey.Server.Http;

namespace Latchkey.Server.Licenses;

/// <summary>What an operator can do about a refusal.</summary>
public enum Remedy
{
    /// <summary>Bind the domain that asked, to a free place or in the place of another.</summary>
    Rebind,

    /// <summary>One domain more, and bind it.</summary>
    Raise,
    Resume,
    Extend,

    /// <summary>Another day or channel for updates.</summary>
    Change,

    /// <summary>Show the key, to compare it or to send it again.</summary>
    Reveal,

    /// <summary>A fresh download link.</summary>
    Link,
}

/// <summary>What is known of the case.</summary>
/// <param name="Domain">The one that asked; empty if it is not known.</param>
/// <param name="License">The license that it was about.</param>
/// <param name="HasNoRelease">No release that is published is included in it.</param>
public sealed record ExplainedCase(string Domain, LicenseView License, bool HasNoRelease = false);

/// <summary>A refusal in plain words.</summary>
/// <param name="Reason">One clause, for a list.</param>
/// <param name="Customer">To be read out, or sent.</param>
/// <param name="Agent">What can be done here.</param>
/// <param name="Remedies">The same as buttons.</param>
public sealed record Explanation(string Reason, string Customer, string Agent, IReadOnlyList<Remedy> Remedies)
{
    static readonly FrozenDictionary<string, string> Reasons = new Dictionary<string, string>
    {
        [Wire.RateLimited.Code] = "too many requests from one address",
        [Wire.MissingAuthorization.Code] = "no license key was sent",
        [Wire.MissingDomain.Code] = "no domain was sent",
        [Wire.InvalidDomain.Code] = "what was sent as the domain is none",
        [Wire.MissingProductId.Code] = "no product was named",
        [Wire.InvalidProductId.Code] = "what was sent as the product is no number",
        [Wire.InvalidLicense.Code] = "no license has this key",
        [Wire.LicenseInactive.Code] = "the license was suspended or revoked",
        [Wire.LicenseExpired.Code] = "the license had expired",
        [Wire.DomainMismatch.Code] = "the domain is none of the license's",
        [Wire.ProductIdMismatch.Code] = "the license is for another product",
        [Wire.ApiDownloadDisabled.Code] = "the product's downloads are switched off",
        [Wire.NoDownloadableFile.Code] = "the product has no file yet",
        [Wire.ReleaseNotFound("").Code] = "the release or file that was asked for is not there",
        [Wire.NotEntitled("").Code] = "the license does not include that release",
        [Wire.InvalidDownloadToken.Code] = "there is no such download link",
        [Wire.DownloadTokenExpired.Code] = "the download link was too old, revoked, or its license was not active",
        [Wire.DownloadTokenUsed.Code] = "the download link had been used",
        [Wire.RangeNotSatisfiable.Code] = "a part was asked for that the file does not have",
        [Wire.NotFound.Code] = "the address is none of the API's",
        [Wire.RequestTimeout.Code] = "the request did not come in time",
        [Wire.PayloadTooLarge.Code] = "the request was too large",
        [Wire.UnsupportedMediaType.Code] = "the request was neither JSON nor a form",
        [Wire.InternalError.Code] = "the server failed",
        [Wire.Unavailable.Code] = "the server was not available for a moment",
        [Wire.TooManyDownloads.Code] = "too many downloads were running",
        [Wire.MethodNotAllowed("").Code] = "the wrong HTTP method was used",
        [Wire.InvalidRequest("").Code] = "the request could not be read",
        [Wire.ConflictingInput("").Code] = "the request contradicts itself",
    }.ToFrozenDictionary();

    static readonly FrozenSet<string> AboutLicense = new[]
    {
        Wire.InvalidLicense, Wire.LicenseInactive, Wire.LicenseExpired, Wire.DomainMismatch, Wire.ProductIdMismatch, Wire.ApiDownloadDisabled,
        Wire.NoDownloadableFile, Wire.ReleaseNotFound(""), Wire.NotEntitled(""), Wire.InvalidDownloadToken, Wire.DownloadTokenExpired, Wire.DownloadTokenUsed,
    }.Select(refusal => refusal.Code).ToFrozenSet();

    static readonly FrozenDictionary<string, Func<ExplainedCase, Explanation>> Cases = new Dictionary<string, Func<ExplainedCase, Explanation>>
    {
        [Wire.LicenseInactive.Code] = OfInactive,
        [Wire.LicenseExpired.Code] = OfExpired,
        [Wire.DomainMismatch.Code] = OfDomain,
        [Wire.ProductIdMismatch.Code] = about => Of(Wire.ProductIdMismatch,
            $"Your license is for “{about.License.ProductName}”, but the software that asked is another product. Please install {about.License.ProductName}, or enter the key that belongs to the product you have. Each product has a key of its own.",
            $"Ask which product is installed: this license is for product {about.License.ProductId}. If the customer bought both, look for the other license."),
        [Wire.InvalidLicense.Code] = _ => Of(Wire.InvalidLicense,
            "The key that was entered is not known to us. Please copy the key once more from our message, the whole of it and without blanks, and enter it again. If you were sent a new key lately, the old one no longer works.",
            "Compare the key with the customer, or send it again: it may be mistyped, or rotated away.", Remedy.Reveal),
        [Wire.MissingAuthorization.Code] = _ => Of(Wire.MissingAuthorization,
            "The software asked without a license key. Please open its settings and enter the key we sent you, then try again. If the key is there, a firewall or proxy may be removing it from the request.",
            "Send the key again, and ask whether a proxy strips the Authorization header.", Remedy.Reveal),
        [Wire.MissingDomain.Code] = _ => Of(Wire.MissingDomain,
            "The software did not tell us which website it runs on. Please look whether the site's address is filled in in its settings, and update the software to its newest version.",
            "Nothing can be set here: the program has to send its domain. Tell the developers if the newest version does this."),
        [Wire.InvalidDomain.Code] = _ => Of(Wire.InvalidDomain,
            "The address of your website, as the software sent it, is not a valid domain name. Please look at the site's address in the settings: it should look like www.example.com, without blanks or underscores.",
            "Try the address under “Try it” to see how it is read; nothing has to be changed at the license."),
        [Wire.MissingProductId.Code] = _ => Of(Wire.MissingProductId,
            "The software did not say which product it is. Please update it to its newest version and try again. Your license itself is not the problem.",
            "Nothing can be set here: the program has to send its product number. Tell the developers."),
        [Wire.InvalidProductId.Code] = _ => Of(Wire.InvalidProductId,
            "The software named its product in a way we cannot read. Please update it to its newest version and try again. Your license itself is not the problem.",
            "Nothing can be set here: the program must send the product's number, in digits. Tell the developers."),
        [Wire.RateLimited.Code] = _ => Of(Wire.RateLimited,
            "Your server has asked us too often within a minute, so we made it wait. Please wait a minute and try again. If it happens often, many sites may share one address, or something asks in a loop.",
            "It passes by itself. If a hoster's address serves many customers, its limit is a setting of the server."),
        [Wire.ApiDownloadDisabled.Code] = about => Of(Wire.ApiDownloadDisabled,
            $"“{about.License.ProductName}” cannot be downloaded from within the software. We will send you a download link instead.",
            "Make a download link for the customer, or allow downloads on the product's page.", Remedy.Link),
        [Wire.NoDownloadableFile.Code] = about => Of(Wire.NoDownloadableFile,
            $"There is no file of “{about.License.ProductName}” to download yet. Nothing is wrong with your license or with your site. We will tell you as soon as it is there.",
            "Publish a file for the product first; then the same request works."),
        [Wire.ReleaseNotFound("").Code] = about => Of(Wire.ReleaseNotFound(""),
            $"The software asked for a version of “{about.License.ProductName}” that we do not offer, or for a system that it is not made for. Nothing is wrong with your license. We can send you a link to the newest version that fits.",
            "Look at the product's releases: the version may be a draft, scheduled or yanked, or have no file for that platform and architecture. Make a link to one that is there.", Remedy.Link),
        [Wire.NotEntitled("").Code] = OfNotEntitled,
        [Wire.InvalidDownloadToken.Code] = _ => DeadLink(Wire.InvalidDownloadToken, "This download link is not one of ours, or it was cut off when it was copied."),
        [Wire.DownloadTokenExpired.Code] = _ => DeadLink(Wire.DownloadTokenExpired, "This download link has run out: each works for a short time only."),
        [Wire.DownloadTokenUsed.Code] = _ => DeadLink(Wire.DownloadTokenUsed, "This download link has been used already: each works once."),
        [Wire.RangeNotSatisfiable.Code] = _ => DeadLink(Wire.RangeNotSatisfiable, "The download was to go on where it had stopped, but the part it asked for is not in the file. Please delete the partial file first."),
        [Wire.TooManyDownloads.Code] = _ => Of(Wire.TooManyDownloads,
            "Very many people are downloading right now. Please try again in a minute; your link stays good.",
            "It passes by itself. If not, the server may be given more downloads at a time in its settings."),
        [Wire.Unavailable.Code] = _ => Of(Wire.Unavailable,
            "Our license server could not answer for a moment. Please try again in a minute. Nothing is wrong with your license.",
            "It passes by itself. If it lasts, whoever runs the server should run “latchkey doctor”."),
        [Wire.InternalError.Code] = _ => Of(Wire.InternalError,
            "Our license server made a mistake. Please try again in a minute. Nothing is wrong with your license.",
            "Give the time and the request's number to whoever runs the server: its log names the reason."),
    }.ToFrozenDictionary();

    /// <summary>Why, in a clause.</summary>
    public static string ReasonOf(string code) => Reasons.GetValueOrDefault(code, code);

    /// <param name="code">A code of the wire.</param>
    /// <param name="about">What it was about.</param>
    public static Explanation Of(string code, ExplainedCase about) => Standing(code, about) ?? (Cases.TryGetValue(code, out var explain) ? explain(about) : new Explanation(
        ReasonOf(code),
        "The software asked in a way that we cannot read. Please update it to its newest version and try again. Your license itself is not the problem.",
        "Nothing can be set here: the program's request is wrong. Tell the developers the code, and what “Try it” answers.", []));

    /// <summary>
    /// A license that is not active now is refused for that, whatever it was refused for before: nothing else that
    /// could be done would help. What the request itself lacked still comes first.
    /// </summary>
    static Explanation? Standing(string code, ExplainedCase about) => !AboutLicense.Contains(code) ? null : about.License.State switch
    {
        "revoked" or "suspended" => OfInactive(about) with { Reason = ReasonOf(code) },
        "expired" => OfExpired(about) with { Reason = ReasonOf(code) },
        _ => null,
    };

    static Explanation Of(Refusal refusal, string customer, string agent, params Remedy[] remedies) => new(ReasonOf(refusal.Code), customer, agent, remedies);

    static Explanation DeadLink(Refusal refusal, string why) => Of(refusal,
        why + " Please start the download again from within the software, or use the new link that we send you.",
        "Make a new download link for the customer.", Remedy.Link);

    static Explanation OfInactive(ExplainedCase about) => about.License.State switch
    {
        "revoked" => Of(Wire.LicenseInactive,
            "This license was withdrawn and cannot be used any more. Please get in touch with our sales department about a new one.",
            "A revoked license stays so. If that was a mistake, issue a new one for the customer."),
        "suspended" => Of(Wire.LicenseInactive,
            "Your license is paused at the moment, so the software may not use it. As soon as we switch it on again, everything works as before: nothing has to be installed anew.",
            "Find out why it was suspended (see the history below); then resume it. Nothing else helps until then.", Remedy.Resume),
        _ => Of(Wire.LicenseInactive,
            "Your license was paused for a while, but it is active again. Please try once more: it should work now.",
            "Nothing to do: the license has been resumed since."),
    };

    static Explanation OfExpired(ExplainedCase about) => about.License.State == "expired"
        ? Of(Wire.LicenseExpired,
            $"Your license ran out{OnDay(about.License.ExpiresAt)}. Once it is renewed, the software works again by itself, with the same key. Nothing has to be installed anew.",
            "If the renewal is paid, set a later date.", Remedy.Extend)
        : Of(Wire.LicenseExpired,
            "Your license had run out, but it has been renewed. Please try once more: it should work now, with the same key.",
            "Nothing to do: the license has been extended since.");

    static Explanation OfNotEntitled(ExplainedCase about)
    {
        var (license, name) = (about.License, about.License.ProductName);
        if (about.HasNoRelease) return OfNothingIncluded(license);
        var ended = DateTimeOffset.TryParse(license.UpdatesUntil, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out _);
        return Of(Wire.NotEntitled(""),
            ended
                ? $"Your license of “{name}” keeps working, and includes the versions that were published through{OnDay(license.UpdatesUntil)[3..]}. The version that was asked for is newer, or from a channel that is not yours. You can have the last one that is included at any time; for newer ones, please renew your updates."
                : $"Your license of “{name}” keeps working. The version that was asked for is on a channel that your license is not on: you are on “{license.Channel}”.",
            ended
                ? $"Updates of this license end{OnDay(license.UpdatesUntil)}; it is on the channel {license.Channel}. If the renewal is paid, set a later day or another channel under Details; or make a link to the newest release that it may have."
                : $"The license is on the channel {license.Channel} and gets what is in it. Set another channel under Details if the customer may have more; or make a link to the newest release that it may have.",
            Remedy.Change, Remedy.Link);
    }

    static Explanation OfNothingIncluded(LicenseView license) => Of(Wire.NotEntitled(""),
        $"Your license of “{license.ProductName}” keeps working, but there is no version yet that it includes"
        + (license.UpdatesUntil is null ? $": it is for the channel “{license.Channel}”." : $": its updates ended{OnDay(license.UpdatesUntil)}, and all versions that it could have were published later. Please renew your updates."),
        "No published release is included in this license: set a later day of updates or another channel under Details, or no link can be made.",
        Remedy.Change);

    static string OnDay(string? time) =>
        DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at)
            ? at.ToString("' on 'd MMMM yyyy", CultureInfo.InvariantCulture) : "";

    static Explanation OfDomain(ExplainedCase about)
    {
        var bound = about.License.Domains;
        var asked = about.Domain.Length > 0 ? about.Domain : "another website";
        if (CanonicalHost.Of(about.Domain) is { } host && bound.Any(domain => CanonicalHost.Covers(domain, host)))
        {
            return Of(Wire.DomainMismatch,
                $"Your license did not cover {asked} before, but it does now. Please try once more: it should work.",
                "Nothing to do: the domain has been added since.");
        }

        var held = bound.Count == 0 ? "no website yet" : string.Join(", ", bound.Take(5)) + (bound.Count > 5 ? " and others" : "");
        return Of(Wire.DomainMismatch,
            $"The software is asking from {asked}, but your license is for {held}. If your site has moved, we can move the license to the new address at once. If you want to run it on both, you need a license for one more site.",
            bound.Count < about.License.MaxDomains ? "There is a free place: add the domain." : "All places are taken: put the domain in the place of another, or allow one more.",
            Remedy.Rebind, Remedy.Raise);
    }
}
