using Semver;

namespace Latchkey.Server.Products;

/// <summary>Versions as Semantic Versioning 2.0 has them.</summary>
static class Versions
{
    public const int MaxLength = 100;
    public const string Rule = "a version as 1.2.3 or 2.0.0-beta.1 (Semantic Versioning 2.0)";

    /// <summary>Exactly as the specification spells it: for what a vendor publishes.</summary>
    public static SemVersion? Strict(string text) => Parse(text, SemVersionStyles.Strict);

    /// <summary>Also <c>v1.2</c> or <c>1</c>: for what a client says it runs.</summary>
    public static SemVersion? Lenient(string text) => Parse(text.Trim(), SemVersionStyles.Any);

    // In full it can be longer than it was spelled: 1 is 1.0.0. What is read once can be read again.
    static SemVersion? Parse(string text, SemVersionStyles styles) =>
        text.Length <= MaxLength && SemVersion.TryParse(text, styles, out var version) && version.ToString().Length <= MaxLength ? version : null;

    /// <summary>Less than zero if <paramref name="a"/> is the older one; build metadata does not count.</summary>
    public static int Compare(SemVersion a, SemVersion b) => SemVersion.ComparePrecedence(a, b);
}
