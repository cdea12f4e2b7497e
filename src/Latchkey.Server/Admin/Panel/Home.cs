using Latchkey.Server.Configuration;
using Microsoft.AspNetCore.Components;

namespace Latchkey.Server.Admin.Panel;

/// <summary>Where customers reach this server: the public URL, else where this browser reaches it. No slash at its end.</summary>
static class Home
{
    /// <summary>This server as customers reach it, if that is set; else as this browser reached it. No slash at its end.</summary>
    public static string Of(Settings settings, NavigationManager navigation) =>
        (settings.PublicUrl?.AbsoluteUri ?? navigation.BaseUri[..^"admin/".Length]).TrimEnd('/');
}
