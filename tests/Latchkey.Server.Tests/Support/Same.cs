namespace Latchkey.Server.Tests.Support;

static class Same
{
    /// <summary>Without printing millions of bytes where they are not.</summary>
    public static void Bytes(byte[] expected, byte[] actual) => Assert.True(expected.AsSpan().SequenceEqual(actual), $"{actual.Length} bytes, of {expected.Length}");
}
