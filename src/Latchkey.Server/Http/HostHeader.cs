namespace Latchkey.Server.Http;

/// <summary>What a client, or a proxy that is trusted, calls this server.</summary>
static class HostHeader
{
    /// <summary>A link can be made of it: Kestrel lets some through that no URL may have, as <c>'shop</c>.</summary>
    public static bool FitsInUrl(HttpRequest request) =>
        request.Host.HasValue && Uri.TryCreate($"{request.Scheme}://{request.Host.ToUriComponent()}/", UriKind.Absolute, out _);
}
