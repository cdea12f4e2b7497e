using System.CommandLine;

namespace Latchkey.Server.Commands;

/// <summary>A line of progress for each step of a long command, where a person looks.</summary>
sealed class WatchedSteps(ParseResult parsed) : IDisposable
{
    readonly Dictionary<string, Progress> _lines = [];
    readonly bool _isWatched = Output.IsWatched(parsed);
    bool _isEnded;

    /// <summary>What is done, of how much, and of how much in all; null where nobody looks.</summary>
    public Action<string, long, long>? Progress => _isWatched ? Show : null;

    void Show(string what, long done, long all)
    {
        if (!_lines.TryGetValue(what, out var line))
        {
            if (_lines.Count > 0) Commands.Progress.End();
            line = _lines[what] = new Progress(what, all);
        }

        line.Show(done, all);
    }

    public void End()
    {
        if (_lines.Count > 0 && !_isEnded) Commands.Progress.End();
        _isEnded = true;
    }

    public void Dispose() => End();
}
