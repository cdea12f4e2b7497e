using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.RateLimits;

namespace Latchkey.Server.Licenses;

/// <summary>A request that may have what it asks for; <paramref name="Domain"/> is what the license is bound to.</summary>
readonly record struct GrantedLicense(LicenseFacts License, string Key, string Domain);

/// <summary>What verify and mint do alike: the limit, the reading, the look-up, the verdict, the first binding.</summary>
sealed partial class LicenseDesk(
    RateLimiter limiter, LicenseLookup licenses, WriteQueue writes, LastSeenBoard seen, TimeProvider clock,
    ILogger<LicenseDesk> log)
{
    /// <summary>Null if the request was refused, and answered.</summary>
    public async ValueTask<LicenseRequest?> Admit(HttpContext context, params string[] methods)
    {
        if (limiter.Admit(context) is { } limited) return await Refuse(context, limited);
        if (!methods.Contains(context.Request.Method)) return await Refuse(context, Wire.MethodNotAllowed(string.Join(", ", methods)));
        var asked = await LicenseRequest.Read(context.Request);
        return asked.Refused is { } refusal ? await Refuse(context, refusal) : asked;
    }

    /// <summary>Null if the request was refused, and answered.</summary>
    /// <param name="context">Of the request.</param>
    /// <param name="asked">What it asks.</param>
    /// <param name="further">One more reason to refuse, asked before a domain is bound.</param>
    public async ValueTask<GrantedLicense?> Grant(HttpContext context, LicenseRequest asked, Func<LicenseFacts, Refusal?>? further = null)
    {
        var now = clock.GetUtcNow();
        var license = licenses.Find(asked.Key, now);
        var verdict = Verdict.Judge(license, asked.Host, asked.ProductId, now);
        if (verdict is not Verdict.Refused && further?.Invoke(license!) is { } refusal) verdict = new Verdict.Refused(refusal);
        if (verdict is Verdict.GrantedOnceBound)
        {
            await Bind(context, license!.Id, asked.Host, now);
            license = licenses.Find(asked.Key, now);
            verdict = Verdict.Judge(license, asked.Host, asked.ProductId, now);
        }

        var why = verdict switch
        {
            Verdict.Refused refused => refused.Why,
            Verdict.GrantedOnceBound => Wire.DomainMismatch,
            _ => null,
        };
        if (license is not null) seen.Note(license.Id, now, ClientAddress.Of(context), asked.Host, why);
        if (why is not null) return await Refuse(context, why, license, asked);
        if (log.IsEnabled(LogLevel.Debug)) Granted(license!.Id, asked.Host, context.TraceIdentifier);
        return new GrantedLicense(license!, asked.Key, ((Verdict.Granted)verdict).Domain);
    }

    async Task<GrantedLicense?> Refuse(HttpContext context, Refusal why, LicenseFacts? license, LicenseRequest asked)
    {
        // A client that sends its key as its domain shall not find it in our log.
        var host = asked.Host.Equals(asked.Key, StringComparison.OrdinalIgnoreCase) ? null : asked.Host;
        if (why == Wire.InvalidLicense) limiter.CountFailure(context);
        await Answer.Refuse(context, why, license?.Id, host, asked.ProductId);
        return null;
    }

    static async Task<LicenseRequest?> Refuse(HttpContext context, Refusal refusal)
    {
        await Answer.Refuse(context, refusal);
        return null;
    }

    async Task Bind(HttpContext context, long license, string host, DateTimeOffset now)
    {
        var bound = await writes.Run(session => Binding.TryTakeFreePlace(session, license, host, now));
        if (bound) Bound(license, host, ClientAddress.Of(context).ToString(), context.TraceIdentifier);
    }

    [LoggerMessage(10, LogLevel.Information, "Bound license {LicenseId} to {Domain} by its first use there: address {Address}, request {RequestId}")]
    partial void Bound(long licenseId, string domain, string address, string requestId);

    [LoggerMessage(11, LogLevel.Debug, "Granted license {LicenseId} for {Domain}, request {RequestId}")]
    partial void Granted(long licenseId, string domain, string requestId);
}
