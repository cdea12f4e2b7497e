using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Panel.Components;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Components;

namespace Latchkey.Server.Licenses.Pages;

public sealed partial class LicensesPage
{
    static readonly IReadOnlyList<(string, string)> States = [("", "Any state"), ("active", "Active"), ("suspended", "Suspended"), ("expired", "Expired"), ("revoked", "Revoked")];

    static readonly IReadOnlyList<(string, string)> Sorts =
        [("", "Newest first"), ("id", "Oldest first"), ("expires_at", "Expires soonest"), ("-expires_at", "Expires last")];

    readonly SortedSet<long> _chosen = [];
    PagedTable<LicenseView>? _table;
    IReadOnlyList<LicenseView> _shown = [];
    string _text = "";
    string _asked = "";
    string _sent = "";
    Delay? _delay;

    [SupplyParameterFromQuery(Name = "q")] string? Q { get; set; }
    [SupplyParameterFromQuery(Name = "product")] long? Product { get; set; }
    [SupplyParameterFromQuery(Name = "customer")] long? Customer { get; set; }
    [SupplyParameterFromQuery(Name = "state")] string? State { get; set; }
    [SupplyParameterFromQuery(Name = "sort")] string? Sort { get; set; }

    LicenseFilter Filter => new(Q, Product, Customer, State: Known(States, State));

    bool MayChoose => Office.May(Permission.LicensesSupport);

    bool IsFiltered => !string.IsNullOrEmpty(Q) || Product is not null || Customer is not null || !string.IsNullOrEmpty(State) || Sort is "expires_at" or "-expires_at";

    bool AllChosen => _shown.Count > 0 && _shown.All(license => _chosen.Contains(license.Id));

    string ExportHref => Navigation.GetUriWithQueryParameters("/api/admin/licenses/export", new Dictionary<string, object?>
    {
        ["q"] = NullIfEmpty(Q),
        ["product_id"] = Product,
        ["user_id"] = Customer,
        ["state"] = Known(States, State),
    });

    protected override async Task OnParametersSetAsync()
    {
        // Somebody may come by a link from another page of this list, or from the search in the bar.
        var asked = string.Join('\n', Q, Product, Customer, State, Sort);
        if (asked == _asked) return;
        _asked = asked;

        // What we asked for ourselves is in the field already, and more may have been typed since.
        if ((Q ?? "") != _sent) (_text, _sent) = (Q ?? "", Q ?? "");
        _chosen.Clear();
        if (_table is not null) await _table.Reload();
    }

    async Task<Page<LicenseView>> Load(string? cursor)
    {
        var (filter, sort) = (Filter, Known(Sorts, Sort));
        var page = await Office.Read((LicenseList licenses) => licenses.Read(filter, new PageRequest(cursor, Sort: sort)));
        _shown = page.Items;
        StateHasChanged();
        return page;
    }

    async Task Type(string text)
    {
        _text = text;
        _delay ??= new Delay(Clock);
        if (!await _delay.Passed()) return;
        _sent = text.Trim();
        Go(q: _sent);
    }

    /// <summary>What is not named stays; the address says what is shown, so that it can be kept.</summary>
    void Go(string? q = null, string? state = null, string? sort = null) => Navigate(new()
    {
        ["q"] = NullIfEmpty(q ?? Q),
        ["state"] = NullIfEmpty(state ?? State),
        ["sort"] = NullIfEmpty(sort ?? Sort),
    });

    void Go(long? product) => Navigate(new() { ["product"] = product });

    void Navigate(Dictionary<string, object?> change) => Navigation.NavigateTo(Navigation.GetUriWithQueryParameters(change), replace: true);

    void Toggle(long id)
    {
        if (!_chosen.Remove(id)) _chosen.Add(id);
    }

    void ChooseAll()
    {
        var all = AllChosen;
        foreach (var license in _shown)
        {
            if (all) _chosen.Remove(license.Id);
            else _chosen.Add(license.Id);
        }
    }

    async Task Suspend()
    {
        var ids = _chosen.ToList();
        var changed = await Office.Do((BulkLicenses licenses) => licenses.Suspend(ids));
        if (changed is null) return;
        Office.Say(Said("suspended", changed.Count, ids.Count), changed.Count == 0 ? null : () => InvokeAsync(() => Resume(changed.Ids)));
        await Done();
    }

    async Task Resume(IReadOnlyList<long> ids)
    {
        var changed = await Office.Do((BulkLicenses licenses) => licenses.Resume(ids));
        if (changed is null) return;
        Office.Say(Said("resumed", changed.Count, ids.Count));
        await Done();
    }

    Task Done()
    {
        _chosen.Clear();
        StateHasChanged();
        return _table?.Refresh() ?? Task.CompletedTask;
    }

    static string Said(string what, int count, int of) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "license" : "licenses")} {what}{(count == of ? "" : $"; {of - count} left as before")}");

    static string? NullIfEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text;

    /// <summary>An address may say anything.</summary>
    static string? Known(IReadOnlyList<(string Value, string)> options, string? value) => options.Any(option => option.Value == value) ? NullIfEmpty(value) : null;

    public void Dispose() => _delay?.Dispose();
}
