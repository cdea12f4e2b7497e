using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Admin.Panel.Components;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Components;

namespace Latchkey.Server.Admin.Panel.Pages;

public sealed partial class AuditPage
{
    static readonly (string, string)[] Kinds =
    [
        ("", "Anything"), ("license", "License"), ("product", "Product"), ("release", "Release"), ("customer", "Customer"), ("download", "Download"),
        ("operator", "Operator"), ("api_key", "API key"),
    ];

    static readonly (string, string)[] Actions =
    [
        ("", "All"), ("license", "license.…"), ("license.issue", "license.issue"), ("license.suspend", "license.suspend"), ("license.resume", "license.resume"), ("license.revoke", "license.revoke"),
        ("license.rotate", "license.rotate"), ("license.reveal", "license.reveal"), ("license.bind", "license.bind"), ("license.unbind", "license.unbind"),
        ("product", "product.…"), ("release", "release.…"), ("release.publish", "release.publish"), ("release.yank", "release.yank"), ("customer", "customer.…"), ("download", "download.…"),
        ("api_key", "api_key.…"), ("operator", "operator.…"), ("operator.sign_in", "operator.sign_in"),
        ("operator.sign_in_failed", "operator.sign_in_failed"), ("session", "session.…"),
    ];

    PagedTable<AuditEntryView>? _table;
    AuditFilter? _shown;
    string? _refused;

    [Inject] Office Office { get; set; } = null!;
    [Inject] NavigationManager Navigation { get; set; } = null!;

    [SupplyParameterFromQuery(Name = "q")] public string? Search { get; set; }
    [SupplyParameterFromQuery(Name = "actor")] public string? Actor { get; set; }
    [SupplyParameterFromQuery(Name = "action")] public string? Action { get; set; }
    [SupplyParameterFromQuery(Name = "object_kind")] public string? Kind { get; set; }
    [SupplyParameterFromQuery(Name = "object_id")] public string? Object { get; set; }
    [SupplyParameterFromQuery(Name = "from")] public string? From { get; set; }
    [SupplyParameterFromQuery(Name = "to")] public string? To { get; set; }

    bool IsFiltered => Given.Any(pair => pair.Value is not null);

    Dictionary<string, object?> Given => new()
    {
        ["q"] = Blank.None(Search),
        ["actor"] = Blank.None(Actor),
        ["action"] = Blank.None(Action),
        ["object_kind"] = Blank.None(Kind),
        ["object_id"] = Blank.None(Object),
        ["from"] = Blank.None(From),
        ["to"] = Blank.None(To),
    };

    string ExportUrl => Navigation.GetUriWithQueryParameters("/api/admin/audit/export", Given);

    protected override async Task OnParametersSetAsync()
    {
        AuditFilter filter;
        try
        {
            filter = new AuditFilter(Search, Actor, Action, Kind, Object, Times.Read(From, "from", endOfDay: false), Times.Read(To, "to", endOfDay: true));
            _refused = null;
        }
        catch (OperationException refused)
        {
            // An address typed by hand: the list is shown without the time.
            _refused = refused.Message;
            filter = new AuditFilter(Search, Actor, Action, Kind, Object);
        }

        if (_shown == filter) return;
        _shown = filter;
        if (_table is not null) await _table.Reload();
    }

    Task<Page<AuditEntryView>> Load(string? cursor) => Office.Read((AuditTrail trail) => trail.List(_shown ?? new AuditFilter(), new PageRequest(cursor)));

    string With(string name, string? value) =>
        Navigation.GetUriWithQueryParameters("audit", new Dictionary<string, object?>(Given) { [name] = Blank.None(value) });

    void Show(string name, string? value) => Navigation.NavigateTo(With(name, value), replace: true);

    static string? AddressOf(string kind, string id) => kind switch
    {
        "license" => $"licenses/{id}",
        "product" => $"products/{id}",
        "release" => $"releases/{id}",
        "customer" => $"customers/{id}",
        "download" => $"downloads?id={id}",
        _ => null,
    };

    static string Spaced(string kind) => kind.Replace('_', ' ');

    static string KindOf(string kind, string name) => kind switch
    {
        "operator" => "operator",
        "api_key" => "API key",
        "command_line" => "command line",
        _ => name == "latchkey" ? "the server" : "not signed in",
    };
}
