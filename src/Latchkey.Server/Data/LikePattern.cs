namespace Latchkey.Server.Data;

/// <summary>Patterns for LIKE, with <see cref="Escape"/> as their escape character.</summary>
static class LikePattern
{
    public const string Escape = "\\";

    /// <summary>Everything that contains the text as it stands. SQLite would take NUL for the pattern's end; nothing of ours contains it.</summary>
    public static string Containing(string text) =>
        $"%{text.Replace('\0', '\uFFFD').Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal)}%";
}
