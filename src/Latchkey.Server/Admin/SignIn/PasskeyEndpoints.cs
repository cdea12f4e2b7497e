using System.Text.Json;
using Latchkey.Server.Admin.SignIn.Pages;
using Microsoft.AspNetCore.Identity;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>What the script asks for passkeys: JSON, with the antiforgery token in a header. The challenge is in a cookie of five minutes.</summary>
static class PasskeyEndpoints
{
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost("/sign-in/passkey-options", SignInOptions);
        endpoints.MapPost("/sign-in/passkey", SignIn);
        endpoints.MapPost("/account/passkeys/options", AddOptions).RequireAuthorization();
        endpoints.MapPost("/account/passkeys", Add).RequireAuthorization();
    }

    /// <summary>For any passkey of this server: naming an operator would tell who has one.</summary>
    static async Task SignInOptions(HttpContext context, SignInManager<Operator> identity) => await Raw(context, await identity.MakePasskeyRequestOptionsAsync(null));

    static async Task SignIn(HttpContext context, SignInDesk desk)
    {
        if (await Body(context) is not { } body)
        {
            await Say(context, 400, "The request could not be read.");
            return;
        }

        var outcome = await desk.Passkey(body.Credential, Caller.Of(context));
        if (outcome.Kind == SignInResultKind.Done)
        {
            await SignInEndpoints.Admit(context, outcome);
            await Json(context, 200, new { location = Page.Local(body.ReturnTo) });
        }
        else if (outcome.Kind == SignInResultKind.TooMany) await Say(context, 429, "There were too many attempts from your address. Wait a minute, then try again.");
        else await Say(context, 401, "This passkey does not sign in here.");
    }

    static async Task AddOptions(HttpContext context, SignInManager<Operator> identity, Sessions sessions)
    {
        if (sessions.ActorOf(context) is not { IsConfirmed: true } actor)
        {
            await Json(context, 403, new { location = "/admin/confirm?return_to=%2Fadmin%2Faccount", message = "Confirm with your password first." });
            return;
        }

        var entity = new PasskeyUserEntity { Id = actor.Id!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture), Name = actor.Name, DisplayName = actor.Name };
        await Raw(context, await identity.MakePasskeyCreationOptionsAsync(entity));
    }

    static async Task Add(HttpContext context, SignInManager<Operator> identity, Sessions sessions, OwnAccount own)
    {
        if (sessions.ActorOf(context) is not { IsConfirmed: true } actor || await Body(context) is not { } body)
        {
            await Say(context, 400, "The request could not be read, or took too long. Load the page again.");
            return;
        }

        if (await Attest(identity, body.Credential) is not { Succeeded: true } result || result.UserEntity.Id != actor.Id!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture))
        {
            await Say(context, 400, "This passkey could not be added.");
            return;
        }

        result.Passkey.Name = Name(body.Name);
        await own.AddPasskey(actor, result.Passkey);
        await Json(context, 200, new { location = "/admin/account?done=passkey" });
    }

    static async Task<PasskeyAttestationResult?> Attest(SignInManager<Operator> identity, string credential)
    {
        try
        {
            return await identity.PerformPasskeyAttestationAsync(credential);
        }
        catch (Exception failure) when (failure is InvalidOperationException or JsonException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    static string Name(string? given)
    {
        var name = new string([.. (given ?? "").Where(c => !char.IsControl(c)).Take(60)]).Trim();
        return name.Length == 0 ? "Passkey" : name;
    }

    sealed record Asked(string Credential, string? ReturnTo, string? Name);

    static async Task<Asked?> Body(HttpContext context)
    {
        try
        {
            using var json = await JsonDocument.ParseAsync(context.Request.Body);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("credential", out var credential) || credential.ValueKind != JsonValueKind.Object) return null;
            return new Asked(credential.GetRawText(), Text(json.RootElement, "return_to"), Text(json.RootElement, "name"));
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            // Malformed; or a lone surrogate, which is no text.
            return null;
        }
    }

    static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static Task Say(HttpContext context, int status, string message) => Json(context, status, new { message });

    static Task Json(HttpContext context, int status, object value)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(value);
    }

    static Task Raw(HttpContext context, string json)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }
}
