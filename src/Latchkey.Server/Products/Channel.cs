namespace Latchkey.Server.Products;

/// <summary>
/// Channels by how finished their releases are. Each holds those that are more finished too: <c>alpha</c> has what
/// is in <c>beta</c> and <c>stable</c>. A vendor's own channel has its own releases and the stable ones.
/// </summary>
static class Channel
{
    public const string Stable = "stable";

    /// <summary>The most finished first.</summary>
    static readonly string[] AllKnown = [Stable, "beta", "alpha", "dev"];

    public static IReadOnlyList<string> Known => AllKnown;

    public static bool Includes(string channel, string release) =>
        channel == release || release == Stable || (PlaceOf(release) is >= 0 and var place && place < PlaceOf(channel));

    static int PlaceOf(string channel) => Array.IndexOf(AllKnown, channel);
}

/// <summary>Names of channels, platforms and architectures: short words that mean the same in any case.</summary>
static class Label
{
    public const string Rule = "1 to 32 letters, digits, '.', '_' or '-', beginning with a letter or a digit";

    /// <returns>As it is kept, or null if it is none.</returns>
    public static string? Of(string text)
    {
        text = text.Trim().ToLowerInvariant();
        return text.Length is >= 1 and <= 32 && char.IsAsciiLetterOrDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-') ? text : null;
    }
}
