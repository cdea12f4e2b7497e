using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.CommandLine;

/// <summary>A product with nothing else, for all tests of a class that are refused anyway, or do not mind the others.</summary>
public sealed class OneProduct : IAsyncLifetime
{
    internal Shop Shop { get; } = new();

    internal long Licenses => Tables.Query<long>(Shop.Database, "SELECT count(*) FROM licenses");

    public async ValueTask InitializeAsync() => await Shop.AddProduct();

    public ValueTask DisposeAsync()
    {
        Shop.Dispose();
        return ValueTask.CompletedTask;
    }
}
