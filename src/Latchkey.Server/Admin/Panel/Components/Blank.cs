namespace Latchkey.Server.Admin.Panel.Components;

static class Blank
{
    /// <summary>A text of which nothing is left is none: it stays out of the address.</summary>
    public static string? None(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
