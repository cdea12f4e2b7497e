using System.Globalization;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Panel.Components;
using Latchkey.Server.Data;
using Latchkey.Server.Downloads;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Latchkey.Server.Admin.Panel.Pages;

public sealed partial class DownloadsPage : IDisposable
{
    static readonly TimeSpan Beat = TimeSpan.FromSeconds(3);

    static readonly (string, string)[] States =
    [
        ("", "All"), ("issued", "Issued"), ("in_progress", "In progress"), ("interrupted", "Interrupted"),
        ("handed_over", "Handed over"), ("finished", "Finished"), ("expired", "Expired"), ("revoked", "Revoked"),
    ];

    PagedTable<DownloadTokenView>? _table;
    (string?, string?, string?, string?) _shown;
    readonly Dictionary<(long ProductId, string Version), (long Id, bool IsYanked)> _releases = [];
    IReadOnlyList<(string, string)> _products = [("", "All")];
    PeriodicTimer? _timer;

    [Inject] Office Office { get; set; } = null!;
    [Inject] NavigationManager Navigation { get; set; } = null!;
    [Inject] IDialogService Dialogs { get; set; } = null!;
    [Inject] TimeProvider Clock { get; set; } = null!;

    [SupplyParameterFromQuery(Name = "state")] public string? State { get; set; }
    [SupplyParameterFromQuery(Name = "product_id")] public string? ProductId { get; set; }
    [SupplyParameterFromQuery(Name = "license_id")] public string? LicenseId { get; set; }
    [SupplyParameterFromQuery(Name = "id")] public string? Id { get; set; }

    bool IsFiltered => new[] { State, ProductId, LicenseId, Id }.Any(text => Blank.None(text) is not null);

    bool MayWrite => Office.May(Permission.DownloadsWrite);

    protected override async Task OnInitializedAsync()
    {
        _timer = new PeriodicTimer(Beat, Clock);
        _ = Watch(_timer);
        var products = await Office.Read((ProductOperations operations) => operations.List());
        _products = [("", "All"), .. products.Select(product => (Text(product.Id), product.Name))];
    }

    protected override async Task OnParametersSetAsync()
    {
        if (_shown == (State, ProductId, LicenseId, Id)) return;
        _shown = (State, ProductId, LicenseId, Id);
        if (_table is not null) await _table.Reload();
    }

    /// <summary>While a transfer runs, or may begin or go on, what is shown is read again and again.</summary>
    async Task Watch(PeriodicTimer timer)
    {
        while (await timer.WaitForNextTickAsync())
        {
            if (_table is { } table && table.Items.Any(link => link.State is "in_progress" or "issued" or "interrupted")) await table.Refresh(quietly: true);
        }
    }

    async Task<Page<DownloadTokenView>> Load(string? cursor)
    {
        // No license has a number that is none.
        var license = Blank.None(LicenseId) is null ? (long?)null : Number(LicenseId) ?? 0;
        var filter = new DownloadFilter(license, Number(ProductId), States.Any(state => state.Item1 == State) ? State : null, Number(Id));
        var page = await Office.Read((DownloadOperations downloads) => downloads.List(filter, new PageRequest(cursor)));
        if (!Office.May(Permission.ProductsRead)) return page;
        foreach (var (name, release) in await Office.Read((NamedReleases releases) => releases.Find(page.Items.Select(link => (link.ProductId, link.Version))))) _releases[name] = release;
        return page;
    }

    (long Id, bool IsYanked)? Release(DownloadTokenView link) => _releases.TryGetValue((link.ProductId, link.Version), out var release) ? release : null;

    string PlaceOf(DownloadTokenView link) => Release(link) is { } release ? $"releases/{release.Id}" : $"products/{link.ProductId}";

    async Task Revoke(DownloadTokenView link)
    {
        var warning = link.State == "in_progress"
            ? "The transfer that runs is cut off, and the link is dead for good. The customer can ask for a new one."
            : "The link is dead for good. The customer can ask for a new one.";
        if (!await ConfirmDialog.Ask(Dialogs, $"Revoke the link to {link.FileName}?", warning, "Revoke", danger: true)) return;
        await Office.Do((DownloadOperations downloads) => downloads.Revoke(link.Id), "The link is revoked");
        if (_table is not null) await _table.Refresh();
    }

    void Show(string? state, string? product, string? license) => Navigation.NavigateTo(
        Navigation.GetUriWithQueryParameters("downloads", new Dictionary<string, object?>
        {
            ["state"] = Blank.None(state),
            ["product_id"] = Blank.None(product),
            ["license_id"] = Blank.None(license),
        }), replace: true);

    static long? Number(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    public void Dispose() => _timer?.Dispose();
}
