using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Panel.Components;
using Latchkey.Server.Data;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Components;

namespace Latchkey.Server.Admin.Panel.Pages;

public sealed partial class ProductPage
{
    readonly FormFaults _faults = new();
    ProductForm.Input _fields = new();
    ProductView? _product;
    string? _missing;
    bool _busy;

    [Inject] Office Office { get; set; } = null!;

    [Parameter] public long Id { get; set; }

    bool MayWrite => Office.May(Permission.ProductsWrite);

    protected override Task OnParametersSetAsync() => _product?.Id == Id ? Task.CompletedTask : Look();

    static string Subtitle(ProductView product) =>
        $"Product No. {product.Id} · keys begin with {product.Prefix}_ · {Words.Count(product.Licenses, "license")}";

    async Task Look()
    {
        try
        {
            Show(await Office.Read((ProductOperations products) => products.Show(Id)), andForm: true);
        }
        catch (OperationException missing) when (missing.Fault == OperationFault.NotFound)
        {
            _missing = missing.Message;
        }
    }

    void Show(ProductView? product, bool andForm = false)
    {
        if (product is null) return;
        (_product, _missing) = (product, null);
        if (!andForm) return;
        _fields = ProductForm.Input.Of(product);
        _faults.Clear();
    }

    async Task Save()
    {
        if (_busy || _product is null) return;
        _busy = true;
        try
        {
            // What the page shows is what is changed: nobody's edit is overwritten unseen.
            var seen = UnitOfWork.EntityTag(_product);
            var saved = await Office.Confirmed((ProductOperations products) => products.Edit(Id, _fields.All), ifMatch: seen);
            if (saved is not null) Snackbar.Add("Saved", MudBlazor.Severity.Success);
            Show(saved, andForm: true);
        }
        catch (OperationException refused)
        {
            _faults.Take(refused);
        }

        _busy = false;
    }

    [Inject] MudBlazor.ISnackbar Snackbar { get; set; } = null!;

    async Task Switch(bool on)
    {
        _busy = true;
        Show(await Office.Do((ProductOperations products) => products.Edit(Id, new ProductFields(null, null, null, on, null)), on ? "API download is on" : "API download is off"));
        _busy = false;
    }

    async Task Archive()
    {
        Show(await Office.Do((ProductOperations products) => products.Archive(Id), "Archived", undo: () => InvokeAsync(Unarchive)));
    }

    async Task Unarchive()
    {
        Show(await Office.Do((ProductOperations products) => products.Unarchive(Id), "It is sold again"));
        StateHasChanged();
    }
}
