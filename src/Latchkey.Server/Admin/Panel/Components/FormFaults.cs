using System.Globalization;
using Latchkey.Server.Data;

namespace Latchkey.Server.Admin.Panel.Components;

/// <summary>What was refused of a form: each fault beside its field, the rest above.</summary>
public sealed class FormFaults
{
    OperationException? _refused;

    /// <summary>What belongs to no field.</summary>
    public string? General => _refused is { Fields.Count: 0 } ? _refused.Message : null;

    /// <param name="pointer">As <c>/domains</c>, which stands for <c>/domains/0</c> too.</param>
    public string? this[string pointer] =>
        _refused?.Fields.Where(fault => fault.Pointer == pointer || fault.Pointer.StartsWith(pointer + "/", StringComparison.Ordinal)).Select(fault => fault.Detail).ToList() is { Count: > 0 } faults
            ? string.Join(" ", faults) : null;

    public void Clear() => _refused = null;

    internal void Take(OperationException refused) => _refused = refused;

    /// <summary>Runs what may be refused.</summary>
    /// <returns>Null if it was, or was not confirmed.</returns>
    public async Task<T?> Catch<T>(Func<Task<T?>> change)
        where T : class
    {
        Clear();
        try
        {
            return await change();
        }
        catch (OperationException refused)
        {
            Take(refused);
            return null;
        }
    }

    /// <summary>A whole number as somebody typed it; null if the field is empty.</summary>
    /// <exception cref="OperationException">It is none.</exception>
    public static long? Number(string? text, string pointer, string what, long most = long.MaxValue)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        return long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= most
            ? number : throw OperationException.Invalid(pointer, $"{what} must be a whole number{(most < long.MaxValue ? ", and not so large" : "")}.");
    }
}
