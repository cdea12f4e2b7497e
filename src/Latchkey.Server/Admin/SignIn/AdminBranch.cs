namespace Latchkey.Server.Admin.SignIn;

/// <summary>Everything under /admin. The branch is put together when the first request comes for it, so that a start costs nothing.</summary>
static class AdminBranch
{
    public static void Use(IApplicationBuilder app)
    {
        // The host would put both before everything: in the way of the license API, and before the cookies have their names.
        app.Properties["__AuthenticationMiddlewareSet"] = true;
        app.Properties["__AuthorizationMiddlewareSet"] = true;
        app.Map("/admin", branch =>
        {
            var pipeline = new Lazy<RequestDelegate>(() => Build(branch.New()));
            branch.Run(context => pipeline.Value(context));
        });
    }

    static RequestDelegate Build(IApplicationBuilder branch)
    {
        SignInHost.UseBeforeRouting(branch);
        branch.UseRouting();
        SignInHost.UseAfterRouting(branch);
        branch.UseEndpoints(endpoints =>
        {
            SignInHost.Map(endpoints);
            endpoints.MapGet("/", context =>
            {
                Pages.Page.SeeOther(context, "/admin/account");
                return Task.CompletedTask;
            }).RequireAuthorization();
        });
        return branch.Build();
    }
}
