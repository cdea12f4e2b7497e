using System.Text;

namespace Latchkey.Server.Http;

/// <summary>Header values are read as Latin-1, which maps every byte and refuses none.</summary>
static class HeaderText
{
    static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The same bytes read as UTF-8 where they are UTF-8; else unchanged.</summary>
    public static string? Utf8(string? latin1)
    {
        if (latin1 is null) return null;
        try
        {
            return Strict.GetString(Encoding.Latin1.GetBytes(latin1));
        }
        catch (DecoderFallbackException)
        {
            return latin1;
        }
    }
}
