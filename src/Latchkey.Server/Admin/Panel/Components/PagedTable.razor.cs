using Latchkey.Server.Data;
using Microsoft.AspNetCore.Components;

namespace Latchkey.Server.Admin.Panel.Components;

public sealed partial class PagedTable<TItem>
{
    readonly List<Column<TItem>> _columns = [];

    // The cursors of the pages before this one; there is no way back in a cursor itself.
    readonly Stack<string?> _before = new();
    Page<TItem>? _page;
    string? _cursor;
    bool _loading;
    bool _failed;
    int _asked;

    /// <summary>The page that begins at a cursor; null asks for the first.</summary>
    [Parameter, EditorRequired] public Func<string?, Task<Page<TItem>>> Load { get; set; } = null!;

    /// <summary><c>Column</c> elements.</summary>
    [Parameter, EditorRequired] public RenderFragment Columns { get; set; } = null!;

    /// <summary>What the list is, for screen readers: "Licenses".</summary>
    [Parameter, EditorRequired] public string Caption { get; set; } = "";

    /// <summary>In the place of the table if there is nothing at all.</summary>
    [Parameter] public RenderFragment? Empty { get; set; }

    /// <summary>What a row is known by, if not by its item.</summary>
    [Parameter] public Func<TItem, object>? Key { get; set; }

    /// <summary>Begins again at the first page: after a change of what is asked for.</summary>
    public Task Reload()
    {
        _before.Clear();
        return Fetch(null);
    }

    /// <summary>Reads the same page again: after a change of what is in it.</summary>
    /// <param name="quietly">Nobody asked for it: what is shown stays as it is until it is read, or if it cannot be.</param>
    public Task Refresh(bool quietly = false) => Fetch(_cursor, quietly);

    /// <summary>The rows as they are shown.</summary>
    public IReadOnlyList<TItem> Items => _page?.Items ?? [];

    internal void Add(Column<TItem> column)
    {
        _columns.Add(column);
        StateHasChanged();
    }

    protected override Task OnInitializedAsync() => Fetch(null);

    Task Next()
    {
        if (_page?.NextCursor is not { } next) return Task.CompletedTask;
        _before.Push(_cursor);
        return Fetch(next);
    }

    Task Previous() => _before.TryPop(out var before) ? Fetch(before) : Task.CompletedTask;

    async Task Fetch(string? cursor, bool quietly = false)
    {
        // Of two questions, the answer to the later one counts; but one that nobody asked does not stop another.
        if (quietly && _loading) return;
        var asked = ++_asked;
        (_cursor, _loading) = (cursor, !quietly);
        if (!quietly) _failed = false;
        StateHasChanged();
        try
        {
            var page = await Load(cursor);
            if (asked == _asked) (_page, _failed) = (page, false);
        }
        catch (Exception failure)
        {
            Unreadable(Log, Caption, failure);
            if (asked == _asked && !quietly) _failed = true;
        }

        if (asked == _asked) _loading = false;
        StateHasChanged();
    }

    [LoggerMessage(60, LogLevel.Error, "The panel could not read the list {Caption}")]
    static partial void Unreadable(ILogger log, string caption, Exception failure);
}
