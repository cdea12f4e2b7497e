using System.Globalization;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Admin.Panel.Components;
using Latchkey.Server.Customers.Pages;
using Latchkey.Server.Data;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;

namespace Latchkey.Server.Licenses.Pages;

public sealed partial class NewLicenses
{
    readonly FormFaults _faults = new();
    ElementReference _title;
    IReadOnlyList<ProductView> _products = [];
    long? _product;
    CustomerPicker? _picker;
    long? _customer;
    string _count = "";
    string _most = "";
    string _expires = "";
    string _updates = "";
    string _channel = "";
    bool _busy;
    bool _saved;
    bool _focus;
    IssuedKeys? _issued;
    IJSObjectReference? _files;

    [Inject] MudBlazor.IDialogService Dialogs { get; set; } = null!;
    [Inject] TimeProvider Clock { get; set; } = null!;

    [SupplyParameterFromQuery(Name = "product")] long? Product { get; set; }

    bool CannotBind => _products.Any(product => product.Id == _product && !product.BindOnFirstUse);

    string FileName => string.Create(CultureInfo.InvariantCulture, $"license-keys-{_issued!.FirstId}-{_issued.LastId}.csv");

    protected override void OnInitialized() => _product = Product;

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!_focus) return;
        _focus = false;
        await _title.FocusAsync();
    }

    void ChooseOnly(IReadOnlyList<ProductView> products)
    {
        _products = products;
        if (products.Count == 1) _product ??= products[0].Id;
    }

    async Task Issue()
    {
        if (_busy || _product is not { } product || !await PastDay.IsMeant(Dialogs, _expires, _updates, Clock.GetUtcNow(), "Issue anyway")) return;
        _busy = true;
        _issued = await _faults.Catch(() =>
        {
            _picker?.RequireChosen();
            var count = FormFaults.Number(_count, "/count", "How many", int.MaxValue) ?? throw OperationException.Invalid("/count", "Say how many.");
            var most = (int?)FormFaults.Number(_most, "/max_domains", "The number of domains", int.MaxValue);
            var wanted = new IssueMany(product, (int)count, most, _customer, Times.Read(_expires, "/expires_at", endOfDay: true),
                Times.Read(_updates, "/updates_until", endOfDay: true), Blank.None(_channel));
            return Office.Confirmed((BulkLicenses licenses) => licenses.Issue(wanted));
        });
        (_busy, _focus) = (false, _issued is not null);
    }

    async Task Save()
    {
        _files ??= await Script.InvokeAsync<IJSObjectReference>("import", "./" + Assets["save-file.js"]);
        await _files.InvokeVoidAsync("saveText", FileName, "text/csv;charset=utf-8", LicenseCsv.Of(_issued!));
        _saved = true;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_files is not null) await _files.DisposeAsync();
        }
        catch (JSDisconnectedException)
        {
            // The browser is gone, and the module with it.
        }
    }
}
