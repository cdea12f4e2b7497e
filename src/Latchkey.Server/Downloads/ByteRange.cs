using Latchkey.Server.Products;
using Microsoft.Net.Http.Headers;

namespace Latchkey.Server.Downloads;

/// <summary>The part of a file that one answer carries. Offsets are bytes; RFC 9110, section 14.</summary>
readonly record struct ByteRange(long From, long Length, long Size)
{
    public bool IsWhole => From == 0 && Length == Size;

    /// <summary>The last byte of the file is in it.</summary>
    public bool ReachesEnd => From + Length == Size;

    public string ContentRange => $"bytes {From}-{From + Length - 1}/{Size}";

    public static ByteRange Whole(Artifact file) => new(0, file.Size, file.Size);

    /// <summary>
    /// One range is honoured; several, one in another unit, or one whose <c>If-Range</c> is of another file,
    /// mean the whole file.
    /// </summary>
    /// <param name="request">Of the client.</param>
    /// <param name="file">Which.</param>
    /// <param name="storeTag">What the store calls the file, to a client that it was redirected to.</param>
    /// <returns>Null if the range lies outside the file (416).</returns>
    public static ByteRange? Of(HttpRequest request, Artifact file, string? storeTag = null)
    {
        var whole = Whole(file);
        if (!RangeHeaderValue.TryParse(request.Headers.Range.ToString(), out var range)) return whole;
        if (!range.Unit.Equals("bytes", StringComparison.OrdinalIgnoreCase) || range.Ranges.Count != 1) return whole;
        var ifRange = request.Headers.IfRange;
        if (ifRange.Count > 0 && ifRange != FileHeaders.ETag(file) && (storeTag is null || ifRange != storeTag)) return whole;
        var only = range.Ranges.First();
        if (only.From is { } from)
        {
            if (from >= file.Size) return null;
            var to = Math.Min(only.To ?? file.Size - 1, file.Size - 1);
            return new ByteRange(from, to - from + 1, file.Size);
        }

        var last = Math.Min(only.To ?? 0, file.Size);
        return last == 0 ? null : new ByteRange(file.Size - last, last, file.Size);
    }
}
