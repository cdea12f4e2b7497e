namespace Latchkey.Server.Admin.SignIn;

/// <summary>Length is what counts (NIST SP 800-63B): no rules of composition, and no change without a reason.</summary>
static class PasswordRule
{
    public const int MinLength = 12;
    public const int MaxLength = 256;

    public const string InWords = "At least 12 characters. A few words in a row are good, and spaces are fine. Not your e-mail address, and none of the passwords everybody tries first.";

    // Of the lists of leaked passwords: the commonest with twelve characters or more.
    static readonly HashSet<string> Common = new(StringComparer.OrdinalIgnoreCase)
    {
        "123456789012", "1234567890123", "123456123456", "123123123123", "1q2w3e4r5t6y", "1qaz2wsx3edc", "1qaz2wsx3edc4rfv", "qwertyuiop12",
        "qwertyuiop123", "qwertyuiopasdf", "qwerty123456", "qwerty1234567", "123456qwerty", "abcdefghijkl", "abcdefghijklmnop", "abcdef123456",
        "password1234", "password12345", "password123456", "passwordpassword", "passw0rd1234", "p@ssw0rd1234", "mypassword123", "changeme1234",
        "changemeplease", "administrator", "administrator1", "adminadmin12", "adminadminadmin", "letmeinletmein", "letmein12345", "iloveyou1234",
        "iloveyouforever", "welcome12345", "welcomewelcome", "monkeymonkey", "dragondragon", "footballfootball", "sunshinesunshine",
        "unknownpassword", "correcthorsebatterystaple", "correct horse battery staple", "latchkeylatchkey", "licenseserver", "license-server",
    };

    /// <returns>What is wrong with it, as a sentence; or null.</returns>
    public static string? Fault(string password, string email)
    {
        if (password.Length < MinLength) return $"The password must have at least {MinLength} characters.";
        if (password.Length > MaxLength) return $"The password can have {MaxLength} characters at the most.";
        if (password.Equals(email, StringComparison.OrdinalIgnoreCase)) return "The password must not be the e-mail address.";
        return Common.Contains(password) || password.Distinct().Count() < 3 ? "This password is among the first that anybody tries: choose another." : null;
    }
}

static class Email
{
    public const string Rule = "an e-mail address, as ann@example.com";

    /// <summary>Only what it surely is not is refused; whether it can be reached is never asked.</summary>
    public static bool IsOne(string text)
    {
        var at = text.LastIndexOf('@');
        return at > 0 && at < text.Length - 1 && text.Length <= 254 && !text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c) || c is '<' or '>' or '"' or ',' or ';');
    }

    public static string Normal(string email) => email.Trim().ToUpperInvariant();
}
