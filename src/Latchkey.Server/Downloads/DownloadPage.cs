using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Latchkey.Server.Http;
using Latchkey.Server.Products;

namespace Latchkey.Server.Downloads;

/// <summary>What a person sees who opens a link in a browser: what it is, and a button. Nothing is claimed by looking.</summary>
static class DownloadPage
{
    const string Style = """
        :root{color-scheme:light dark;--ink:#1d2221;--quiet:#56605d;--paper:#f6f5f1;--card:#fffefb;--line:#dddbd2;--key:#1f5f5b;--on:#fff}
        @media (prefers-color-scheme:dark){:root{--ink:#e8e6df;--quiet:#a9b2ae;--paper:#151918;--card:#1d2321;--line:#39413e;--key:#8cc7bd;--on:#10201e}}
        *{box-sizing:border-box}
        body{margin:0;min-height:100vh;display:grid;place-items:center;padding:16px;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
        main{width:100%;max-width:34rem;padding:28px;background:var(--card);border:1px solid var(--line);border-radius:8px}
        h1{margin:0;font-size:1.5rem;line-height:1.25;overflow-wrap:anywhere}
        .version{margin:2px 0 18px;color:var(--quiet)}
        dl{display:grid;grid-template-columns:auto minmax(0,1fr);gap:6px 18px;margin:0 0 22px}
        dt{color:var(--quiet)}
        dd{margin:0;overflow-wrap:anywhere}
        code{font:.85rem/1.5 ui-monospace,"SF Mono",Menlo,Consolas,monospace;user-select:all}
        button{width:100%;padding:12px 20px;border:0;border-radius:6px;background:var(--key);color:var(--on);font:inherit;font-weight:600;cursor:pointer}
        button:hover{filter:brightness(1.08)}
        button:focus-visible{outline:3px solid var(--key);outline-offset:3px}
        p{margin:14px 0 0;color:var(--quiet);font-size:.9rem}
        @media (max-width:26rem){main{padding:20px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
        """;

    static readonly string Policy =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

    /// <param name="context">Of the request.</param>
    /// <param name="token">The link.</param>
    /// <param name="leadsTo">Where the button leads in the end, if not here: browsers hold a redirect against the policy too.</param>
    public static Task Show(HttpContext context, TokenFacts token, string? leadsTo)
    {
        var response = context.Response;
        response.ContentType = "text/html; charset=utf-8";
        response.Headers.ContentSecurityPolicy = leadsTo is null ? Policy : $"{Policy} {leadsTo}";
        response.Headers.XFrameOptions = "DENY";
        response.Headers.Vary = "Accept";
        response.Headers["X-Robots-Tag"] = "noindex, nofollow";
        var body = Encoding.UTF8.GetBytes(Html(token));
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    static string Html(TokenFacts token) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex, nofollow">
        <title>Download {Text(token.File.FileName)}</title>
        <style>{Style}</style>
        </head>
        <body>
        <main>
        <h1>{Text(token.ProductName)}</h1>
        <div class="version">Version {Text(token.Version)}{Made(token.File)}</div>
        <dl>
        <dt>File</dt><dd>{Text(token.File.FileName)}</dd>
        <dt>Size</dt><dd>{Size(token.File.Size)}</dd>
        <dt>SHA-256</dt><dd><code>{Convert.ToHexStringLower(token.File.Sha256)}</code></dd>
        <dt>Good until</dt><dd><time datetime="{Wire.Millis(token.ExpiresAt)}">{token.ExpiresAt.UtcDateTime.ToString("d MMMM yyyy, HH:mm 'UTC'", CultureInfo.InvariantCulture)}</time></dd>
        </dl>
        <form method="get"><input type="hidden" name="{Preview.Start}" value="1"><button>Download</button></form>
        <p>This link is for one download. If it breaks off, it can be resumed from the same network until then.</p>
        </main>
        </body>
        </html>

        """;

    static string Text(string text) => HtmlEncoder.Default.Encode(text);

    static string Made(Artifact file)
    {
        var made = string.Join(" ", new[] { file.Platform, file.Arch }.Where(label => label.Length > 0));
        return made.Length == 0 ? "" : $" for {Text(made)}";
    }

    static string Size(long bytes)
    {
        var exact = string.Create(CultureInfo.InvariantCulture, $"{bytes:N0} bytes");
        return bytes < 1024 ? exact : string.Create(CultureInfo.InvariantCulture, $"{Rounded(bytes)} ({exact})");
    }

    static string Rounded(double bytes)
    {
        string[] units = ["KiB", "MiB", "GiB", "TiB"];
        var unit = -1;
        for (; bytes >= 1024 && unit < units.Length - 1; unit++) bytes /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{bytes:0.#} {units[unit]}");
    }
}
