using Latchkey.Server.Admin.Panel.Components;
using MudBlazor;

namespace Latchkey.Server.Licenses.Pages;

/// <summary>A day that is over is most often a slip: it is asked for before it counts.</summary>
static class PastDay
{
    /// <summary>True if the license would not have expired already, or the operator wants just that.</summary>
    /// <param name="dialogs">The page's.</param>
    /// <param name="expires">As typed.</param>
    /// <param name="now">The time.</param>
    /// <param name="action">The button's verb.</param>
    public static async Task<bool> IsMeant(IDialogService dialogs, string expires, DateTimeOffset now, string action) =>
        !(Moment.Parse(expires.Trim(), endOfDay: true) <= now)
        || await ConfirmDialog.Ask(dialogs, "That day is over", $"It expires on {expires.Trim()}, which has passed: it would be refused from the first request on.", action, danger: true);
}
