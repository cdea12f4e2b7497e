using Latchkey.Server.Activity;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.RateLimits;
using Latchkey.Server.Telemetry;

namespace Latchkey.Server.Licenses;

/// <summary>A request that may have what it asks for; <paramref name="Domain"/> is what the license is bound to.</summary>
readonly record struct GrantedLicense(LicenseFacts License, string Key, string Domain);

/// <summary>What verify and mint do alike: the limit, the reading, the look-up, the verdict, the first binding.</summary>
sealed partial class LicenseDesk(
    RateLimiter limiter, LicenseLookup licenses, WriteQueue writes, ActivityBoard activity, TimeProvider clock,
    ILogger<LicenseDesk> log)
{
    /// <summary>Null if the request was refused, and answered.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="kind">What it is for.</param>
    /// <param name="methods">Those that it may have.</param>
    /// <param name="aboutRelease">It may say which release.</param>
    public async ValueTask<LicenseRequest?> Admit(HttpContext context, ActivityKind kind, string[] methods, bool aboutRelease = false)
    {
        if (await limiter.Admit(context) is { } limited) return await Refuse(context, kind, limited);
        Instruments.Limited(null);
        if (!methods.Contains(context.Request.Method)) return await Refuse(context, kind, Wire.MethodNotAllowed(string.Join(", ", methods)));
        var asked = await LicenseRequest.Read(context.Request, aboutRelease);
        return asked.Refused is { } refusal ? await Refuse(context, kind, refusal) : asked;
    }

    /// <summary>Null if the request was refused, and answered.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="kind">What it is for. A grant is noted here, but for a mint, which has yet to be done.</param>
    /// <param name="asked">What it asks.</param>
    /// <param name="further">One more reason to refuse, asked before a domain is bound.</param>
    public async ValueTask<GrantedLicense?> Grant(
        HttpContext context, ActivityKind kind, LicenseRequest asked, Func<LicenseFacts, ValueTask<Refusal?>>? further = null)
    {
        var now = clock.GetUtcNow();
        var license = await licenses.Find(asked.Key, now);
        var verdict = Verdict.Judge(license, asked.Host, asked.ProductId, now);
        if (verdict is not Verdict.Refused && further is not null && await further(license!) is { } refusal) verdict = new Verdict.Refused(refusal);
        if (verdict is Verdict.GrantedOnceBound)
        {
            await Bind(context, license!.Id, asked.Host, now);
            license = await licenses.Find(asked.Key, now);
            verdict = Verdict.Judge(license, asked.Host, asked.ProductId, now);
        }

        var why = verdict switch
        {
            Verdict.Refused refused => refused.Why,
            Verdict.GrantedOnceBound => Wire.DomainMismatch,
            _ => null,
        };
        if (why is not null || kind != ActivityKind.Mint) Note(context, kind, asked, license, why?.Code ?? ActivityOutcome.Ok);
        if (why is not null) return await Refuse(context, why, license, asked);
        if (log.IsEnabled(LogLevel.Debug)) Granted(license!.Id, asked.Host, context.TraceIdentifier);
        return new GrantedLicense(license!, asked.Key, ((Verdict.Granted)verdict).Domain);
    }

    /// <summary>What came of it, for the charts and for the license's page.</summary>
    public void Note(HttpContext context, ActivityKind kind, LicenseRequest asked, LicenseFacts? license, string outcome) => activity.Note(
        new ActivityNote(kind, outcome, license?.Id ?? 0, license?.ProductId ?? 0, asked.HostIsKey ? "" : asked.Host, ClientAddress.Of(context)));

    /// <summary>It was answered 503.</summary>
    public void CountUnavailable(ActivityKind kind) => activity.Count(kind, Wire.Unavailable.Code);

    async Task<GrantedLicense?> Refuse(HttpContext context, Refusal why, LicenseFacts? license, LicenseRequest asked)
    {
        if (why == Wire.InvalidLicense) await limiter.CountFailure(context);
        await Answer.Refuse(context, why, license?.Id, asked.HostIsKey ? null : asked.Host, asked.ProductId);
        return null;
    }

    /// <summary>Refused before anything was known of it.</summary>
    public async Task<LicenseRequest?> Refuse(HttpContext context, ActivityKind kind, Refusal refusal)
    {
        activity.Count(kind, refusal.Code);
        if (refusal == Wire.RateLimited || refusal == Wire.TooManyWrongKeys) Instruments.Limited(refusal);
        await Answer.Refuse(context, refusal);
        return null;
    }

    async Task Bind(HttpContext context, long license, string host, DateTimeOffset now)
    {
        var bound = await Binding.TryTakeFreePlace(writes, license, host, now);
        if (bound) Bound(license, host, ClientAddress.Of(context).ToString(), context.TraceIdentifier);
    }

    [LoggerMessage(10, LogLevel.Information, "Bound license {LicenseId} to {Domain} by its first use there: address {Address}, request {RequestId}")]
    partial void Bound(long licenseId, string domain, string address, string requestId);

    [LoggerMessage(11, LogLevel.Debug, "Granted license {LicenseId} for {Domain}, request {RequestId}")]
    partial void Granted(long licenseId, string domain, string requestId);
}
