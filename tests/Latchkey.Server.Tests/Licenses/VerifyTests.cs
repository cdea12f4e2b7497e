using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Licenses;

public sealed class VerifyTests
{
    [Fact]
    public async Task Grants_the_bound_domain_with_the_whole_answer()
    {
        await using var server = await TestServer.Run();
        var product = server.AddProduct("Your Product Name", "DEZERX", id: 7);
        var license = server.Operate(l => l.Issue(new(product.Id, ["your-domain.com"], UserId: 123)));
        var reply = await server.Http.Verify(license.LicenseKey, "https://WWW.Your-Domain.com/shop", 7);
        Assert.Equal(200, reply.Status);
        Assert.Equal(
            "{\"success\":true,\"message\":\"License is valid and active\",\"data\":{\"license_id\":1,\"license_key\":\"" + license.LicenseKey
            + "\",\"product_id\":7,\"product_name\":\"Your Product Name\",\"user_id\":123,\"is_active\":true,\"last_rotated\":null,"
            + "\"created_at\":\"2026-01-01T00:00:00.000000Z\",\"domain\":\"your-domain.com\"}}",
            reply.Text);
        Assert.Equal("application/json", reply.Header("Content-Type"));
    }
}
