using System.Buffers;

// The limit: what Kestrel does when it has nothing to do but answer the same bytes from memory.
// BareKestrel URL VERIFY_BODY_FILE MINT_BODY_FILE
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls(args[0]);
var app = builder.Build();
MapBytes("/api/license/verify", args[1]);
MapBytes("/api/license/download", args[2]);
app.Run();

void MapBytes(string path, string file)
{
    var body = File.ReadAllBytes(file);
    app.Map(path, context =>
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        context.Response.BodyWriter.Write(body);
        return Task.CompletedTask;
    });
}
