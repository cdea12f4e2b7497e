using System.Net;
using Latchkey.Server.Admin.Access;
using Latchkey.Server.Admin.Api;
using Latchkey.Server.Admin.SignIn;
using Latchkey.Server.Data;
using Latchkey.Server.RateLimits;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using MudBlazor;

namespace Latchkey.Server.Admin.Panel;

/// <summary>
/// Where pages have operations done: each with a database connection of its own, by the operator as the
/// database knows them at that moment. Who was signed out, or may no longer, is stopped there.
/// </summary>
sealed class Office(
    IServiceScopeFactory scopes, Sessions sessions, Confirmations confirmations, AuthenticationStateProvider authentication, NavigationManager navigation,
    IDialogService dialogs, ISnackbar snackbar, ReadGates gates)
{
    Actor? _actor;

    /// <summary>What the page shows; the operation itself asks again.</summary>
    public bool May(string permission) => _actor?.May(permission) == true;

    public string Name => _actor?.Name ?? "";

    /// <summary>Looks again who is signed in. False, and on the way to sign-in, if nobody is.</summary>
    public async Task<bool> Enter()
    {
        var state = await authentication.GetAuthenticationStateAsync();
        _actor = sessions.ActorOf(state.User);
        if (_actor is null) navigation.NavigateTo("sign-in?return_to=" + Uri.EscapeDataString("/admin/" + navigation.ToBaseRelativePath(navigation.Uri)), forceLoad: true);
        return _actor is not null;
    }

    /// <summary>Has something read. What is refused is thrown.</summary>
    public async Task<T> Read<TOperations, T>(Func<TOperations, T> read)
        where TOperations : notnull
    {
        if (!await Enter()) throw new OperationException("You are signed out.") { Fault = OperationFault.Forbidden, Code = "SIGNED_OUT" };
        var actor = _actor;
        return await gates.Panel.Run(() =>
        {
            using var scope = Open(actor, null);
            return read(scope.ServiceProvider.GetRequiredService<TOperations>());
        });
    }

    /// <summary>Has a change made; asks for the password or second factor where the change wants it, and tells what was refused.</summary>
    /// <param name="change">The change.</param>
    /// <param name="done">What to say when it is made.</param>
    /// <param name="undo">What takes it back, offered beside.</param>
    /// <param name="ifMatch">The entity tag of the state that the page shows.</param>
    /// <returns>Null if it was not made.</returns>
    public Task<T?> Do<TOperations, T>(Func<TOperations, T> change, string? done = null, Func<Task>? undo = null, string? ifMatch = null)
        where TOperations : notnull
        where T : class => Do((TOperations operations) => Task.FromResult(change(operations)), done, undo, ifMatch);

    /// <summary>The same, for a change that waits for something.</summary>
    public async Task<T?> Do<TOperations, T>(Func<TOperations, Task<T>> change, string? done = null, Func<Task>? undo = null, string? ifMatch = null)
        where TOperations : notnull
        where T : class
    {
        try
        {
            var result = await Confirmed(change, ifMatch);
            if (result is not null && done is not null) Say(done, undo);
            return result;
        }
        catch (OperationException refused)
        {
            snackbar.Add(refused.Message, Severity.Error);
            return null;
        }
    }

    /// <summary>As <c>Do</c>, but what is refused is thrown: a form shows it beside its fields.</summary>
    public Task<T?> Confirmed<TOperations, T>(Func<TOperations, T> change, string? ifMatch = null)
        where TOperations : notnull
        where T : class => Confirmed((TOperations operations) => Task.FromResult(change(operations)), ifMatch);

    async Task<T?> Confirmed<TOperations, T>(Func<TOperations, Task<T>> change, string? ifMatch)
        where TOperations : notnull
        where T : class
    {
        while (await Enter())
        {
            try
            {
                return await Run(change, ifMatch);
            }
            catch (OperationException refused) when (refused.Fault == OperationFault.ConfirmationNeeded)
            {
                if (!await ConfirmIdentityDialog.Ask(dialogs)) return null;
            }
        }

        return null;
    }

    /// <summary>Gives the password or a code again; true if it was right.</summary>
    public async Task<bool> ConfirmIdentity(string passwordOrCode)
    {
        var state = await authentication.GetAuthenticationStateAsync();
        if (Sessions.Ids(state.User) is not { } ids || sessions.Find(ids.Operator, ids.Session) is not { } session) return false;
        var address = IPAddress.TryParse(session.Address, out var known) ? known : null;
        return await confirmations.Confirm(ids.Operator, ids.Session, passwordOrCode, new Caller(session.Address, null, "", ClientAddress.Of(address)));
    }

    /// <summary>Says that something is done, with what takes it back.</summary>
    public void Say(string done, Func<Task>? undo = null) => snackbar.Add(done, Severity.Success, options =>
    {
        if (undo is null) return;
        options.Action = "Undo";
        options.OnClick = _ => undo();
    });

    Task<T> Run<TOperations, T>(Func<TOperations, Task<T>> operation, string? ifMatch)
        where TOperations : notnull
    {
        // The database is read without waiting, which the circuit's own thread must not do.
        var actor = _actor;
        return Task.Run(async () =>
        {
            await using var scope = Open(actor, ifMatch);
            return await operation(scope.ServiceProvider.GetRequiredService<TOperations>());
        });
    }

    AsyncServiceScope Open(Actor? actor, string? ifMatch)
    {
        var scope = scopes.CreateAsyncScope();
        var request = scope.ServiceProvider.GetRequiredService<AdminRequest>();
        (request.Actor, request.Terms) = (actor, new Terms(ifMatch is null ? null : [ifMatch]));
        return scope;
    }
}
