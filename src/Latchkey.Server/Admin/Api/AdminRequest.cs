using Latchkey.Server.Admin.Access;
using Latchkey.Server.Data;

namespace Latchkey.Server.Admin.Api;

/// <summary>Who asks, and on what terms: set by the door before anything else of the request is made.</summary>
sealed class AdminRequest
{
    public Actor? Actor { get; set; }
    public Terms Terms { get; set; } = new();
}

/// <summary>The permission an endpoint needs. One without is refused to everybody.</summary>
sealed record Needs(string Permission);

/// <summary>What a list can be sorted by; the first is its usual order.</summary>
sealed record Sorts(IReadOnlyList<string> Values);

/// <summary>The body of a file, not of a document: it is read by the endpoint alone.</summary>
sealed record StreamsBody;

static class AdminEndpoints
{
    public static TBuilder Needs<TBuilder>(this TBuilder endpoint, string permission)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new Needs(permission));

    public static TBuilder SortedBy<TBuilder>(this TBuilder endpoint, params string[] sorts)
        where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new Sorts(sorts));

    public static void AddServices(IServiceCollection services, DataDirectory data, TimeProvider clock)
    {
        services.ConfigureHttpJsonOptions(json => RequestJson.Apply(json.SerializerOptions));
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddSingleton<ApiKeyLookup>();
        services.AddSingleton<ReadGates>();
        services.AddSingleton(_ => new IdempotentWrites(data, clock));
        services.AddScoped<AdminRequest>();
        services.AddScoped(scope =>
        {
            var request = scope.GetRequiredService<AdminRequest>();
            return UnitOfWork.Open(data, clock, request.Actor ?? throw new InvalidOperationException("Nobody asked."), request.Terms);
        });
        services.AddScoped<Products.ProductOperations>().AddScoped<Products.ReleaseOperations>().AddScoped<Products.NamedReleases>().AddScoped<Products.StoreArtifact>();
        services.AddScoped<Customers.CustomerOperations>();
        services.AddScoped<Licenses.LicenseOperations>().AddScoped<Licenses.LicenseList>().AddScoped<Licenses.BulkLicenses>();
        services.AddScoped<Licenses.RehearseVerify>().AddScoped<Licenses.LicenseDomainList>();
        services.AddScoped<Downloads.DownloadOperations>();
        services.AddScoped<Activity.Statistics>();
        services.AddScoped<Status.ServerStatus>();
        services.AddScoped<SignIn.OperatorOperations>();
        services.AddScoped<ApiKeyOperations>().AddScoped<AuditTrail>();
    }

    public static void Map(WebApplication app)
    {
        var admin = app.MapGroup("/api/admin").AddEndpointFilter(EntityTags.Show);
        ((IEndpointConventionBuilder)admin).Add(AnswerHeadLikeGet);
        ProductEndpoints.Map(admin.MapGroup("/products").WithTags("Products"));
        ReleaseEndpoints.Map(admin.MapGroup("/releases").WithTags("Releases"));
        CustomerEndpoints.Map(admin.MapGroup("/customers").WithTags("Customers"));
        LicenseEndpoints.Map(admin.MapGroup("/licenses").WithTags("Licenses"));
        DownloadEndpoints.Map(admin.MapGroup("/download-tokens").WithTags("Download tokens"));
        ApiKeyEndpoints.Map(admin.MapGroup("/api-keys").WithTags("API keys"));
        AuditEndpoints.Map(admin.MapGroup("/audit").WithTags("Audit"));
        OperatorEndpoints.Map(admin.MapGroup("/operators").WithTags("Operators"));
        StatisticsEndpoints.Map(admin.MapGroup("/statistics").WithTags("Statistics"));
        SettingsEndpoints.Map(admin.MapGroup("/settings").WithTags("Settings"));
        AccountEndpoints.Map(admin);
    }

    /// <summary>Kestrel leaves the body out.</summary>
    static void AnswerHeadLikeGet(EndpointBuilder endpoint)
    {
        for (var i = 0; i < endpoint.Metadata.Count; i++)
        {
            if (endpoint.Metadata[i] is IHttpMethodMetadata { HttpMethods: ["GET"] }) endpoint.Metadata[i] = new HttpMethodMetadata(["GET", "HEAD"]);
        }
    }
}
