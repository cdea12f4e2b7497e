using CsCheck;
using Latchkey.Server.Downloads;
using Latchkey.Server.Products;

namespace Latchkey.Server.Tests.Downloads;

/// <summary>Whatever a client asks for as a range, an answer is a part of the file or 416.</summary>
public sealed class ByteRangeTests
{
    static readonly string[] Ends = ["", "0", "1", "5", "9", "10", "99", "-1", "9223372036854775807", "9223372036854775808", " 3", "x"];

    static readonly Gen<string> Ranges = Gen.OneOf(
        Gen.String[0, 30],
        Gen.Select(Any("bytes=", "BYTES=", "bytes =", "items=", "bytes:", ""), Any(Ends), Any("-", "--", "", " - "), Any(Ends), Any("", ",", ",1-2", " "), (unit, from, dash, to, more) => unit + from + dash + to + more));

    [Fact]
    public void An_answer_is_a_part_of_the_file_or_none() => Gen.Select(Ranges, Gen.Long[1, 12]).Sample((asked, size) =>
    {
        var request = new DefaultHttpContext().Request;
        request.Headers.Range = asked;
        return ByteRange.Of(request, new Artifact { FileName = "a", ContentType = "b", Sha256 = [], BlobId = "c", Size = size }) is not { } range
            || (range.From >= 0 && range.Length > 0 && range.From + range.Length <= size && range.Size == size);
    });

    static Gen<string> Any(params string[] texts) => Gen.OneOf([.. texts.Select(text => Gen.Const(text))]);
}
