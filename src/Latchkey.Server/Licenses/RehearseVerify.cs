using System.Globalization;
using System.Text;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace Latchkey.Server.Licenses;

/// <summary>A verify request, and what would be answered to it.</summary>
/// <param name="Request">For a shell.</param>
/// <param name="Answer">Status line and headers.</param>
/// <param name="Body">JSON.</param>
/// <param name="ErrorCode">The wire's; null if it would be granted.</param>
/// <param name="ReadAs">The canonical host; null if the domain names none.</param>
/// <param name="BoundTo">What of the license's covers it; null if nothing does.</param>
/// <param name="WouldBind">It would take a free place now.</param>
public sealed record Rehearsal(string Request, string Answer, string Body, string? ErrorCode, string? ReadAs, string? BoundTo, bool WouldBind);

/// <summary>
/// Answers a verify request of a license as the license API would: the same reading, look-up, verdict and
/// writing. But nothing is bound, counted or noted.
/// </summary>
sealed class RehearseVerify(UnitOfWork work, LicenseLookup licenses)
{
    /// <param name="id">The license's.</param>
    /// <param name="domain">As a client would send it.</param>
    /// <param name="product">As a client would send it.</param>
    /// <param name="home">Where the API is.</param>
    /// <param name="revealed">The license's key, if the operator was shown it: then what is shown has it too.</param>
    public Rehearsal Run(long id, string domain, string product, string home, string? revealed)
    {
        work.Require(Permission.LicensesRead);
        var license = ((LicenseRef)id).Find(work.Db, work.Secrets);
        var key = work.Secrets.Open(license.KeyCipher, license.KeyHash);
        var shown = key == revealed ? key : "••••" + license.KeySuffix;
        (domain, product) = (OneLine(domain), OneLine(product));

        var context = ContextOf(key, domain, product);
        var asked = LicenseRequest.Read(context.Request).AsTask().GetAwaiter().GetResult();
        var facts = licenses.Find(key, work.Now).AsTask().GetAwaiter().GetResult();
        var verdict = asked.Refused is { } refusal ? new Verdict.Refused(refusal) : Verdict.Judge(facts, asked.Host, asked.ProductId, work.Now);
        var body = Answered(context, verdict, facts, shown, asked.Host);
        return new Rehearsal(
            VerifyCommand.Line(home, shown, domain, product), Head(context.Response), body, (verdict as Verdict.Refused)?.Why.Code,
            CanonicalHost.Of(domain), (verdict as Verdict.Granted)?.Domain, verdict is Verdict.GrantedOnceBound);
    }

    static string OneLine(string text) => string.Concat(text.Where(c => !char.IsControl(c))).Trim();

    /// <summary>Without a body nothing has to be waited for. Header bytes arrive as Latin-1.</summary>
    static DefaultHttpContext ContextOf(string key, string domain, string product)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = HttpMethods.Get;
        context.Request.Path = VerifyCommand.Path;
        context.Request.Headers.Authorization = "Bearer " + key;
        if (domain.Length > 0) context.Request.Headers["X-Domain"] = Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(domain));
        if (product.Length > 0) context.Request.Headers["X-Product-ID"] = product;
        return context;
    }

    static string Answered(DefaultHttpContext context, Verdict verdict, LicenseFacts? facts, string key, string host)
    {
        using var body = new MemoryStream();
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        var writing = verdict switch
        {
            Verdict.Refused refused => Answer.Refuse(context, refused.Why),
            Verdict.Granted granted => Answer.Success(context, Wire.LicenseIsValid, new GrantedLicense(facts!, key, granted.Domain), VerifyLicense.Write),
            _ => Answer.Success(context, Wire.LicenseIsValid, new GrantedLicense(facts!, key, host), VerifyLicense.Write),
        };
        writing.GetAwaiter().GetResult();
        context.Response.BodyWriter.FlushAsync().AsTask().GetAwaiter().GetResult();
        return Encoding.UTF8.GetString(body.ToArray());
    }

    static string Head(HttpResponse response)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {response.StatusCode} {ReasonPhrases.GetReasonPhrase(response.StatusCode)}"));
        foreach (var (name, value) in response.Headers) text.Append(CultureInfo.InvariantCulture, $"\n{name}: {value}");
        return text.ToString();
    }
}
