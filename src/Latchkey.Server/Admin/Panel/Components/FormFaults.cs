using Latchkey.Server.Data;

namespace Latchkey.Server.Admin.Panel.Components;

/// <summary>What was refused, for a form to show beside its fields.</summary>
public sealed class FormFaults
{
    readonly Dictionary<string, string> _fields = [];

    /// <summary>What belongs to no field of the form.</summary>
    public string? General { get; private set; }

    /// <param name="pointer">As <c>/name</c>; faults of its parts, as <c>/networks/0</c>, count too.</param>
    public string? this[string pointer] =>
        _fields.Where(field => field.Key == pointer || field.Key.StartsWith(pointer + "/", StringComparison.Ordinal)).Select(field => field.Value).FirstOrDefault();

    public void Clear()
    {
        _fields.Clear();
        General = null;
    }

    internal void Take(OperationException refused)
    {
        Clear();
        foreach (var field in refused.Fields) _fields.TryAdd(field.Pointer, field.Detail);
        if (_fields.Count == 0) General = refused.Message;
    }
}
