using System.Globalization;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Admin.Panel;
using Latchkey.Server.Admin.Panel.Components;
using Latchkey.Server.Customers.Pages;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.Components;

namespace Latchkey.Server.Licenses.Pages;

public sealed partial class NewLicense
{
    readonly FormFaults _faults = new();
    ElementReference _title;
    long? _product;
    CustomerPicker? _picker;
    long? _customer;
    string _domains = "";
    string _most = "";
    string _expires = "";
    string _updates = "";
    string _channel = "";
    string _key = "";
    bool _busy;
    bool _noProduct;
    bool _focus;
    LicenseView? _issued;

    [Inject] MudBlazor.IDialogService Dialogs { get; set; } = null!;
    [Inject] TimeProvider Clock { get; set; } = null!;

    [SupplyParameterFromQuery(Name = "product")] long? Product { get; set; }
    [SupplyParameterFromQuery(Name = "customer")] long? Customer { get; set; }

    string Places => Math.Max(1, DomainPreview.Of(_domains).Select(CanonicalHost.OfPattern).OfType<string>().Distinct().Count()).ToString(CultureInfo.InvariantCulture);

    string Command => VerifyCommand.Line(
        Home.Of(Settings, Navigation), _issued!.LicenseKey!, DomainPreview.Example(_issued.Domains), _issued.ProductId.ToString(CultureInfo.InvariantCulture));

    protected override void OnInitialized() => (_product, _customer) = (Product, Customer);

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!_focus) return;
        _focus = false;
        await _title.FocusAsync();
    }

    void ChooseOnly(IReadOnlyList<ProductView> products)
    {
        _noProduct = products.Count == 0;
        if (products.Count == 1) _product ??= products[0].Id;
    }

    async Task Issue()
    {
        if (_busy || _product is not { } product || !await PastDay.IsMeant(Dialogs, _expires, _updates, Clock.GetUtcNow(), "Issue anyway")) return;
        _busy = true;
        _issued = await _faults.Catch(() =>
        {
            _picker?.RequireChosen();
            var wanted = new IssueLicense(
                product, DomainPreview.Of(_domains), (int?)FormFaults.Number(_most, "/max_domains", "The number of domains", int.MaxValue), _customer,
                Times.Read(_expires, "/expires_at", endOfDay: true), string.IsNullOrWhiteSpace(_key) ? null : _key.Trim(),
                Times.Read(_updates, "/updates_until", endOfDay: true), Blank.None(_channel));
            return Office.Confirmed((LicenseOperations licenses) => licenses.Issue(wanted));
        });
        (_busy, _focus) = (false, _issued is not null);
    }

    void Another() => (_issued, _domains, _key) = (null, "", "");
}
