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
        return ByteRange.Of(request, File(size)) is not { } range
            || (range.From >= 0 && range.Length > 0 && range.From + range.Length <= size && range.Size == size);
    });

    static Artifact File(long size = 10) => new() { FileName = "a", ContentType = "b", Sha256 = [0xab, 1], BlobId = "c", Size = size };

    static string Read(string range, string? ifRange = null, string? storeTag = null)
    {
        var request = new DefaultHttpContext().Request;
        if (range.Length > 0) request.Headers.Range = range;
        if (ifRange is not null) request.Headers.IfRange = ifRange;
        return ByteRange.Of(request, File(), storeTag) is { } part ? $"{part.From}+{part.Length}/{part.Size}" : "416";
    }

    [Theory]
    [InlineData("", "0+10/10")]
    [InlineData("bytes=0-4", "0+5/10")]
    [InlineData("bytes=4-4", "4+1/10")]
    [InlineData("bytes=5-", "5+5/10")]
    [InlineData("bytes=5-8", "5+4/10")]
    [InlineData("bytes=5-9", "5+5/10")]
    [InlineData("bytes=5-10", "5+5/10")]
    [InlineData("bytes=9-", "9+1/10")]
    [InlineData("bytes=10-", "416")]
    [InlineData("bytes=10-20", "416")]
    [InlineData("bytes=0-", "0+10/10")]
    [InlineData("bytes=-3", "7+3/10")]
    [InlineData("bytes=-10", "0+10/10")]
    [InlineData("bytes=-99", "0+10/10")]
    [InlineData("bytes=-0", "416")]
    [InlineData("BYTES=1-2", "1+2/10")]
    [InlineData("items=1-2", "0+10/10")]
    [InlineData("bytes=1-2,4-5", "0+10/10")]
    [InlineData("bytes=2-1", "0+10/10")]
    [InlineData("2-3", "0+10/10")]
    public void One_range_in_bytes_is_honoured(string range, string part) => Assert.Equal(part, Read(range));

    [Theory]
    [InlineData("\"ab01\"", null, "5+5/10")]
    [InlineData("\"ab02\"", null, "0+10/10")]
    [InlineData("ab01", null, "0+10/10")]
    [InlineData("W/\"ab01\"", null, "0+10/10")]
    [InlineData("\"ab01\"", "\"store\"", "5+5/10")]
    [InlineData("\"store\"", "\"store\"", "5+5/10")]
    [InlineData("\"store\"", null, "0+10/10")]
    [InlineData("\"other\"", "\"store\"", "0+10/10")]
    public void A_part_of_another_file_is_the_whole_file(string ifRange, string? storeTag, string part) => Assert.Equal(part, Read("bytes=5-", ifRange, storeTag));

    [Fact]
    public void It_says_which_part_it_is()
    {
        Assert.Equal((true, true, "bytes 0-9/10"), Said(ByteRange.Whole(File())));
        Assert.Equal((false, false, "bytes 0-8/10"), Said(new ByteRange(0, 9, 10)));
        Assert.Equal((false, true, "bytes 3-9/10"), Said(new ByteRange(3, 7, 10)));
        Assert.Equal((false, false, "bytes 3-3/10"), Said(new ByteRange(3, 1, 10)));
    }

    static (bool, bool, string) Said(ByteRange part) => (part.IsWhole, part.ReachesEnd, part.ContentRange);

    static Gen<string> Any(params string[] texts) => Gen.OneOf([.. texts.Select(text => Gen.Const(text))]);
}
