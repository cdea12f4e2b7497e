using Microsoft.Extensions.Primitives;

namespace Latchkey.Server.Http;

/// <summary>One value out of several places of a request: they must all mean the same.</summary>
struct Given(string name)
{
    string? _text;

    public readonly string Name => name;

    /// <summary>Null where the value means nothing; see <see cref="Any"/>.</summary>
    public string? Meaning { get; private set; }

    public bool Conflicts { get; private set; }
    public readonly bool Any => _text is not null;

    public void Add(StringValues values, Func<string, string?> meaningOf)
    {
        for (var i = 0; i < values.Count; i++) Add(values[i], meaningOf);
    }

    /// <summary>An empty value is as good as none.</summary>
    public void Add(string? text, Func<string, string?> meaningOf)
    {
        if (string.IsNullOrEmpty(text)) return;
        var meaning = meaningOf(text);
        if (_text is null) (_text, Meaning) = (text, meaning);
        else if (Meaning != meaning || (meaning is null && _text != text)) Conflicts = true;
    }
}
