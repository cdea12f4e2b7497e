using Latchkey.Server.Configuration;
using Microsoft.AspNetCore.Components;

namespace Latchkey.Server.Admin.Panel;

/// <summary>Where customers reach this server: the public URL, else where the operator reaches it.</summary>
static class Home
{
    public static string Of(Settings settings, NavigationManager navigation) =>
        settings.PublicUrl?.AbsoluteUri.TrimEnd('/') ?? new Uri(navigation.BaseUri).GetLeftPart(UriPartial.Authority);
}
