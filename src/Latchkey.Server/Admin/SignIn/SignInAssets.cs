using System.Security.Cryptography;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>The style and the script of the plain pages, inside the program: there whatever the working directory is.</summary>
static class SignInAssets
{
    static readonly byte[] StyleBytes = Read("sign-in.css");
    static readonly byte[] ScriptBytes = Read("passkeys.js");

    public static string Style { get; } = $"/admin/sign-in/sign-in.css?v={Version(StyleBytes)}";
    public static string Script { get; } = $"/admin/sign-in/passkeys.js?v={Version(ScriptBytes)}";

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/sign-in/sign-in.css", (HttpContext context) => Send(context, "text/css; charset=utf-8", StyleBytes));
        endpoints.MapGet("/sign-in/passkeys.js", (HttpContext context) => Send(context, "text/javascript; charset=utf-8", ScriptBytes));
    }

    static Task Send(HttpContext context, string type, byte[] bytes)
    {
        context.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        context.Response.Headers.Remove("Pragma");
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes).AsTask();
    }

    static string Version(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 6));

    static byte[] Read(string name)
    {
        using var stream = typeof(SignInAssets).Assembly.GetManifestResourceStream($"sign-in/{name}")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
