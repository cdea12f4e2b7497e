using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Panel;
using Latchkey.Server.Admin.Panel.Components;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Latchkey.Server.Products.Pages;

public sealed partial class ReleasePage
{
    const string YankedState = "yanked";
    readonly FormFaults _faults = new();
    ReleaseForm.Input _fields = new();
    ReleaseView? _release;
    ElementReference _edit;
    ElementReference _editTitle;
    string? _tag;
    bool _missing;
    bool _editing;
    bool _focus;
    bool _back;
    bool _busy;

    [Inject] Office Office { get; set; } = null!;
    [Inject] IDialogService Dialogs { get; set; } = null!;
    [Inject] NavigationManager Navigation { get; set; } = null!;

    [Parameter] public long Id { get; set; }

    /// <summary>Nobody could have it yet.</summary>
    bool IsToCome => _release?.State is "draft" or "scheduled";

    bool MayWrite => Office.May(Permission.ProductsWrite);

    protected override async Task OnParametersSetAsync()
    {
        if (_release?.Id == Id) return;
        (_release, _missing, _editing) = (null, false, false);
        await Look();
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (_focus && _editing) await _editTitle.FocusAsync();
        else if (_back && !_editing) await _edit.FocusAsync();
        (_focus, _back) = (false, false);
    }

    async Task Look()
    {
        try
        {
            _release = await Office.Read((ReleaseOperations releases) => releases.Show(Id));
        }
        catch (OperationException refused) when (refused.Fault == OperationFault.NotFound)
        {
            _missing = true;
        }
    }

    void Show(ReleaseView release)
    {
        if (release.Id == Id) _release = release;
    }

    static string Meaning(ReleaseView release) => release.State switch
    {
        "draft" => "Nobody can have it yet: add its files, then publish it.",
        "scheduled" => "Customers can have it from",
        YankedState => "Nobody can have it any more, by links that are out neither. Yanked",
        _ => release.RolloutPercent < 100 ? $"Offered to {release.RolloutPercent} of 100 licenses since" : "Customers can have it since",
    };

    static string? Moment(ReleaseView release) => release.State switch { "draft" => null, YankedState => release.YankedAt, _ => release.PublishedAt };

    void Edit()
    {
        _faults.Clear();
        (_fields, _tag, _editing, _focus) = (ReleaseForm.Input.Of(_release!), UnitOfWork.EntityTag(_release!), true, true);
    }

    async Task Save()
    {
        if (_busy || _release is null) return;
        _busy = true;
        var saved = await _faults.Catch(() =>
        {
            var fields = _fields.Read(withVersion: IsToCome);
            return Office.Confirmed((ReleaseOperations releases) => releases.Edit(Id, fields), _tag);
        });
        _busy = false;
        if (saved is null) return;
        (_editing, _back) = (false, true);
        Office.Say("Saved");
        Show(saved);
    }

    async Task Yank()
    {
        if (_release is not { } release) return;
        var what = release.State == "scheduled"
            ? "It will not be published when its time comes. It can be taken back."
            : $"From the next request on nobody can have it: links that are out die, and only transfers that run already go on to their end. Licenses are offered the next older release. Sites that run {release.Version} keep running. It can be taken back.";
        var agreed = await ConfirmDialog.Ask(Dialogs, $"Yank {release.ProductName} {release.Version}?", what, "Yank", danger: true);
        if (agreed) await Change(releases => releases.Yank(Id), $"{release.Version} is yanked");
    }

    Task Unyank() => Change(releases => releases.Unyank(Id), "Customers can have it again");

    async Task Change(Func<ReleaseOperations, ReleaseView> change, string done)
    {
        if (await Office.Do(change, done) is { } changed) Show(changed);
    }

    async Task Delete()
    {
        if (_release is not { } release) return;
        var what = release.Artifacts.Count == 0 ? "It has no file yet." : $"Its {Words.Count(release.Artifacts.Count, "file")} are deleted too.";
        if (!await ConfirmDialog.Ask(Dialogs, release.State == "draft" ? $"Delete the draft {release.Version}?" : $"Delete {release.Version}, which waits for its time?", $"{what} This cannot be taken back.", "Delete", danger: true)) return;
        if (await Office.Do((ReleaseOperations releases) => releases.Delete(Id), $"{release.Version} is deleted") is { } gone) Navigation.NavigateTo($"products/{gone.ProductId}");
    }
}
