using Latchkey.Server.Admin.Panel.Components;
using MudBlazor;

namespace Latchkey.Server.Licenses.Pages;

/// <summary>A day that is over is most often a slip: it is asked for before it counts.</summary>
static class PastDay
{
    /// <summary>True if neither the license nor its updates would have ended already, or the operator wants just that.</summary>
    /// <param name="dialogs">The page's.</param>
    /// <param name="expires">As typed; empty where it is not new.</param>
    /// <param name="updates">The last day of updates, the same.</param>
    /// <param name="now">The time.</param>
    /// <param name="action">The button's verb.</param>
    public static async Task<bool> IsMeant(IDialogService dialogs, string expires, string updates, DateTimeOffset now, string action)
    {
        return await IsWanted(expires, $"It expires on {expires.Trim()}, which has passed: it would be refused from the first request on.")
            && await IsWanted(updates, $"Its updates end on {updates.Trim()}, which has passed: it may have what was published through that day, and nothing newer.");

        async Task<bool> IsWanted(string day, string warning) =>
            !(Moment.Parse(day.Trim(), endOfDay: true) <= now) || await ConfirmDialog.Ask(dialogs, "That day is over", warning, action, danger: true);
    }
}
