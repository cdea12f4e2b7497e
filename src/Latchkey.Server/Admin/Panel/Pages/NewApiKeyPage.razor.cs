using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Admin.Panel.Components;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Components;

namespace Latchkey.Server.Admin.Panel.Pages;

public sealed partial class NewApiKeyPage
{
    static readonly (string Title, string[] Scopes)[] Presets =
    [
        ("Read only", [Permission.ProductsRead, Permission.LicensesRead, Permission.CustomersRead, Permission.DownloadsRead, Permission.StatisticsRead]),
        ("Billing system", [Permission.ProductsRead, Permission.LicensesRead, Permission.LicensesWrite, Permission.LicensesSupport, Permission.CustomersRead, Permission.CustomersWrite]),
        ("Release build", [Permission.ProductsRead, Permission.ProductsWrite]),
        ("None", []),
    ];

    readonly FormFaults _faults = new();
    readonly HashSet<string> _scopes = [];
    string? _name;
    string? _networks;
    string? _expires;
    ApiKeyView? _made;
    bool _busy;

    [Inject] Office Office { get; set; } = null!;
    [Inject] Settings Settings { get; set; } = null!;
    [Inject] NavigationManager Navigation { get; set; } = null!;

    void Take(string[] scopes)
    {
        _scopes.Clear();
        _scopes.UnionWith(scopes);
    }

    void Choose(string scope, bool chosen)
    {
        if (chosen) _scopes.Add(scope);
        else _scopes.Remove(scope);
    }

    async Task Make()
    {
        if (_busy) return;
        _busy = true;
        try
        {
            var networks = (_networks ?? "").Split([' ', ',', ';', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries);
            var wanted = new NewApiKey(_name ?? "", [.. _scopes], networks, Times.Read(_expires, "/expires_at", endOfDay: true));
            _made = await Office.Confirmed((ApiKeyOperations keys) => keys.Add(wanted));
        }
        catch (OperationException refused)
        {
            _faults.Take(refused);
        }

        _busy = false;
    }

    string Key => _made?.Key ?? "";

    string Try => $"curl -H \"Authorization: Bearer {Key}\" {Home.Of(Settings, Navigation)}/api/admin/me";
}
