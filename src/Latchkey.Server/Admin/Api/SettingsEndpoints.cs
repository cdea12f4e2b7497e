using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Status;

namespace Latchkey.Server.Admin.Api;

static class SettingsEndpoints
{
    public static void Map(RouteGroupBuilder settings) =>
        settings.MapGet("/", (ServerStatus status) => status.Read())
            .WithName("getSettings").WithSummary("What is set, where it came from, and how the server is").Needs(Permission.SettingsRead);
}
