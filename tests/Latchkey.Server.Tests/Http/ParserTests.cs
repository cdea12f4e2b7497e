using CsCheck;
using Latchkey.Fuzz;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Http;

/// <summary>
/// What reads texts of strangers, over what <c>tests/fuzz-parsers</c> found worth keeping: each input keeps the rules of its
/// target, and so does what is made of it by a few changes.
/// </summary>
public sealed class ParserTests
{
    public static TheoryData<string> Names() => [.. Targets.All.Keys];

    static List<byte[]> Corpus(string target) => [.. Directory.GetFiles(Path.Combine(Cli.Root, "tests", "Latchkey.Fuzz", "corpus", target)).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)];

    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_found_keeps_the_rules(string target)
    {
        var corpus = Corpus(target);
        Assert.InRange(corpus.Count, 10, int.MaxValue);
        Assert.All(corpus, Targets.All[target]);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_made_of_it_keeps_the_rules_too(string target)
    {
        var corpus = Corpus(target);
        var input = Gen.Int[0, corpus.Count - 1].Select(i => corpus[i]);
        var change = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 1000], Gen.Byte, (kind, at, value) => (kind, at, value));
        Gen.Select(input, input, change.Array[0, 4]).Sample(
            (one, other, changes) => Targets.All[target](changes.Aggregate(one, (bytes, change) => Changed(bytes, other, change))), iter: 500);
    }

    /// <summary>A byte is another, a piece is gone, there twice, or that of another input.</summary>
    static byte[] Changed(byte[] bytes, byte[] other, (int Kind, int At, byte Value) change)
    {
        if (bytes.Length == 0) return other;
        var at = change.At % bytes.Length;
        var end = Math.Min(bytes.Length, at + 1 + (change.Value % 16));
        return change.Kind switch
        {
            0 => [.. bytes[..at], change.Value, .. bytes[(at + 1)..]],
            1 => [.. bytes[..at], .. bytes[end..]],
            2 => [.. bytes[..end], .. bytes[at..]],
            _ => [.. bytes[..at], .. other.Skip(change.At % (other.Length + 1))],
        };
    }
}
