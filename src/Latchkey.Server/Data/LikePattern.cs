namespace Latchkey.Server.Data;

/// <summary>Patterns for LIKE, with <see cref="Escape"/> as their escape character.</summary>
static class LikePattern
{
    public const string Escape = "\\";

    /// <summary>A to Z as a to z, and nothing else: what both databases do by lower().</summary>
    public static string Lower(string text) => string.Concat(text.Select(c => char.IsAsciiLetterUpper(c) ? char.ToLowerInvariant(c) : c));

    /// <summary>Everything, in lower case, that contains the text whatever its case. SQLite would take NUL for the pattern's end; nothing of ours contains it.</summary>
    public static string Containing(string text) =>
        $"%{Lower(text).Replace('\0', '\uFFFD').Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal)}%";
}
