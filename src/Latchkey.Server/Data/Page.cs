using System.Globalization;
using System.Text;

namespace Latchkey.Server.Data;

/// <summary>A part of a list, and where the next begins; null at the end.</summary>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);

/// <summary>Which part of a list is wanted.</summary>
/// <param name="Cursor">As the page before gave it; null for the first.</param>
/// <param name="Limit">Items at the most, 1 to 100.</param>
/// <param name="Sort">A field's name, with <c>-</c> before it for falling order; null is the list's usual.</param>
sealed record PageRequest(string? Cursor = null, int Limit = 50, string? Sort = null)
{
    public const int MaxLimit = 100;

    /// <exception cref="OperationException">Limit or sort is none that this list knows.</exception>
    public string Check(params ReadOnlySpan<string> sorts)
    {
        var faults = new Faults();
        faults.Unless(Limit is >= 1 and <= MaxLimit, "limit", $"limit must be 1 to {MaxLimit}.");
        var sort = Sort ?? sorts[0];
        faults.Unless(sorts.Contains(sort), "sort", $"sort must be one of {string.Join(", ", sorts.ToArray())}.");
        faults.Throw();
        return sort;
    }

    /// <summary>Where the page begins: the sorted value and the id of the last item before it.</summary>
    /// <exception cref="OperationException">The cursor is none of ours.</exception>
    public (string Value, long Id)? After()
    {
        if (string.IsNullOrEmpty(Cursor)) return null;
        try
        {
            var text = Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(Cursor));
            var id = text.IndexOf(' ', StringComparison.Ordinal);
            return (text[(id + 1)..], long.Parse(text.AsSpan(0, id), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
        }
        catch (Exception failure) when (failure is FormatException or ArgumentException or OverflowException)
        {
            throw OperationException.Invalid("cursor", "cursor must be the next_cursor of the page before, unchanged.");
        }
    }

    /// <summary>The value of <see cref="After"/> where it is a time.</summary>
    public static DateTimeOffset TimeOf(string value) =>
        long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var micros) && micros is >= 0 and < 253402300800000000
            ? UnixMicroseconds.To(micros)
            : throw OperationException.Invalid("cursor", "cursor belongs to another sort order.");

    /// <param name="rows">Read with one more than <see cref="Limit"/>, which tells whether there is a next page.</param>
    /// <param name="id">Of an item.</param>
    /// <param name="value">What the list is sorted by, where it is not the id.</param>
    public Page<T> Cut<T>(IReadOnlyList<T> rows, Func<T, long> id, Func<T, string>? value = null)
    {
        if (rows.Count <= Limit) return new Page<T>(rows, null);
        var last = rows[Limit - 1];
        var text = string.Create(CultureInfo.InvariantCulture, $"{id(last)} {value?.Invoke(last)}");
        return new Page<T>([.. rows.Take(Limit)], System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text)));
    }
}
