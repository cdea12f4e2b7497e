using Latchkey.Server.Admin.SignIn.Pages;
using Latchkey.Server.Data;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Identity;

namespace Latchkey.Server.Admin.SignIn;

/// <summary>Operators and their sign-in, as part of the branch /admin. Nothing of it is made before somebody goes there.</summary>
static class SignInHost
{
    /// <summary>OWASP's figure for PBKDF2 with HMAC-SHA-512.</summary>
    const int HashIterations = 210_000;

    public static void AddServices(IServiceCollection services, DataDirectory data)
    {
        services.AddSingleton(data);
        services.AddSingleton<Sessions>().AddSingleton<Attempts>().AddSingleton<Confirmations>().AddSingleton<BrowserSessions>();
        services.AddScoped<ScopedDb>().AddScoped(all => all.GetRequiredService<ScopedDb>().Db);
        services.AddScoped<SignInDesk>().AddScoped<LinkDesk>().AddScoped<OwnAccount>();
        services.AddSingleton<PanelContext>().AddSingleton<IHttpContextAccessor>(all => all.GetRequiredService<PanelContext>());
        services.AddRazorComponents();
        services.AddAuthorization();
        AddIdentity(services);
        AddCookies(services);
        var protection = services.AddDataProtection().SetApplicationName("latchkey");
        if (data.Database.IsEmbedded) protection.PersistKeysToFileSystem(KeyDirectory(data));
        else services.Configure<KeyManagementOptions>(keys => keys.XmlRepository = new SealedKeys(data.Database, data.Secrets));

        // It would load the keys at every start.
        foreach (var preload in services.Where(s => s.ImplementationType?.Name == "DataProtectionHostedService").ToList()) services.Remove(preload);
    }

    static void AddIdentity(IServiceCollection services)
    {
        services.Configure<PasswordHasherOptions>(hasher => hasher.IterationCount = HashIterations);
        services.Configure<IdentityPasskeyOptions>(passkeys =>
        {
            // Both factors in one, and no e-mail address to type.
            passkeys.UserVerificationRequirement = "required";
            passkeys.ResidentKeyRequirement = "required";
        });
        services.AddIdentityCore<Operator>(identity =>
        {
            identity.User.RequireUniqueEmail = true;
            identity.User.AllowedUserNameCharacters = "";
        }).AddUserStore<OperatorStore>().AddSignInManager();
    }

    static void AddCookies(IServiceCollection services)
    {
        services.AddAuthentication(IdentityConstants.ApplicationScheme)
            .AddCookie(IdentityConstants.ApplicationScheme, cookie =>
            {
                Strict(cookie.Cookie, "latchkey-session");
                cookie.ExpireTimeSpan = Sessions.Longest;
                cookie.SlidingExpiration = false;
                cookie.Events.OnValidatePrincipal = SessionDecides;
                cookie.Events.OnRedirectToLogin = ToSignIn;
                cookie.Events.OnRedirectToAccessDenied = denied => Page.Message(denied.HttpContext, 403, "Not allowed", "Your role does not allow this.", "/admin/", "To the panel");
            })
            .AddCookie(IdentityConstants.TwoFactorUserIdScheme, cookie =>
            {
                Strict(cookie.Cookie, "latchkey-step");
                cookie.ExpireTimeSpan = TimeSpan.FromMinutes(5);
                cookie.SlidingExpiration = false;
            });
        services.AddAntiforgery(forgery =>
        {
            Strict(forgery.Cookie, "latchkey-form");
            forgery.SuppressXFrameOptionsHeader = true;
        });
    }

    static void Strict(CookieBuilder cookie, string name)
    {
        cookie.Name = name;
        cookie.Path = "/";
        cookie.HttpOnly = true;
        cookie.SameSite = SameSiteMode.Strict;
        cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
    }

    static Task SessionDecides(CookieValidatePrincipalContext cookie)
    {
        var sessions = cookie.HttpContext.RequestServices.GetRequiredService<Sessions>();
        var found = cookie.Principal is { } who && Sessions.Ids(who) is { } ids ? sessions.Find(ids.Operator, ids.Session, Caller.AddressOf(cookie.HttpContext)) : null;
        if (found is not null)
        {
            cookie.ReplacePrincipal(Sessions.Principal(found.OperatorId, found.SessionId, found.Email, found.Role));
            return Task.CompletedTask;
        }

        cookie.RejectPrincipal();
        cookie.Response.Cookies.Delete(cookie.Options.Cookie.Name!);
        return Task.CompletedTask;
    }

    static Task ToSignIn(Microsoft.AspNetCore.Authentication.RedirectContext<CookieAuthenticationOptions> asked)
    {
        var request = asked.Request;
        var wanted = HttpMethods.IsGet(request.Method) ? Page.Local(request.PathBase + request.Path + request.QueryString) : "/admin/";
        Page.SeeOther(asked.HttpContext, "/admin/sign-in?return_to=" + Uri.EscapeDataString(wanted));
        return Task.CompletedTask;
    }

    static DirectoryInfo KeyDirectory(DataDirectory data)
    {
        var path = Path.Combine(DataDirectory.SecretsDirectory(data.Path), "sessions");
        var directory = new DirectoryInfo(path);
        if (directory.Exists) return directory;
        directory.Create();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Posix.GiveToOwnerOf(data.Path, path);
        return directory;
    }

    /// <summary>What stands in the branch before its routing.</summary>
    public static void UseBeforeRouting(IApplicationBuilder branch)
    {
        branch.Use((context, next) =>
        {
            context.RequestServices.GetRequiredService<PanelContext>().Enter(context);
            return next(context);
        });
        branch.UseMiddleware<PanelFailures>();
        branch.UseMiddleware<SafeTransport>();
        branch.UseMiddleware<HostCookies>();
    }

    /// <summary>What stands between the branch's routing and its endpoints.</summary>
    public static void UseAfterRouting(IApplicationBuilder branch)
    {
        branch.UseAuthentication();
        branch.UseAuthorization();
        branch.UseAntiforgery();
        branch.Use((context, next) => context.Features.Get<IAntiforgeryValidationFeature>() is { IsValid: false }
            ? Page.Message(context, 400, "Load the page again", "This form was not made by the page you see, or is too old. Go back, load the page again, and send it once more.")
            : next(context));
    }

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        SignInAssets.Map(endpoints);
        var forms = endpoints.MapGroup("").WithMetadata(new RequireAntiforgeryTokenAttribute());
        SignInEndpoints.Map(forms);
        LinkEndpoints.Map(forms);
        AccountEndpoints.Map(forms);
        PasskeyEndpoints.Map(forms);
    }
}

/// <summary>One context, on a connection of its own, for a request of the panel.</summary>
sealed class ScopedDb(DataDirectory data) : IDisposable
{
    LatchkeyDb? _db;

    public LatchkeyDb Db => _db ??= data.Database.OpenContext();

    public void Dispose()
    {
        _db?.Dispose();
    }
}

/// <summary>Identity asks for the current request. The usual accessor costs every request something, those of the license API too.</summary>
sealed class PanelContext : IHttpContextAccessor
{
    readonly AsyncLocal<HttpContext?> _current = new();

    public HttpContext? HttpContext
    {
        get => _current.Value;
        set
        {
            // The host sets it for every request; only the panel's are entered.
        }
    }

    public void Enter(HttpContext context) => _current.Value = context;
}

/// <summary>What an operation refuses, as a page.</summary>
sealed class PanelFailures(RequestDelegate next)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (OperationException refused) when (!context.Response.HasStarted)
        {
            await Page.Message(context, refused.Fault == OperationFault.Forbidden ? 403 : 409, "That was not done", refused.Message, "/admin/", "To the panel");
        }
    }
}
