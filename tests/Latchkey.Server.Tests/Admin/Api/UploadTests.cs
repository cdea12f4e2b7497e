using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Latchkey.Server.Products;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Admin.Api;

/// <summary>Files over the admin API: whole, hashed, or not at all.</summary>
public sealed class UploadTests
{
    static string[] Stored(TestServer server) => Directory.Exists(server.Files.Place) ? Directory.GetFiles(server.Files.Place, "*", SearchOption.AllDirectories) : [];

    static int Files(TestServer server) => server.WithDb(db => db.Artifacts.Count());

    [Fact]
    public async Task A_file_is_stored_hashed_and_from_the_next_request_on_the_download()
    {
        await using var server = await Operations.Shop();
        var content = RandomNumberGenerator.GetBytes(3_000_001);
        var release = (await server.Admin().Put("/products/1/files/My%20%C3%9Cber%20plug-in.zip?version=2.1.0", content)).Ok(201).Json;
        var file = release.GetProperty("artifacts")[0];
        Assert.Equal(("My Über plug-in.zip", "2.1.0", "application/zip", 3_000_001, Convert.ToHexStringLower(SHA256.HashData(content))), (
            file.Text("file_name"), release.Text("version"), file.Text("content_type"), file.GetProperty("file_size").GetInt64(), file.Text("sha256")));
        var key = server.Issue(1, "x.example").LicenseKey!;
        Assert.Equal(content, (await server.Http.Get(await server.Http.MintPathOf(key, "x.example", 1))).Bytes);
    }

    [Fact]
    public async Task What_is_not_what_it_was_said_to_be_or_is_empty_is_refused_and_leaves_nothing()
    {
        await using var server = await Operations.Shop();
        var (client, before) = (server.Admin(), Stored(server));
        byte[] content = [1, 2, 3];
        string Digest(byte[] of) => $"sha-256=:{Convert.ToBase64String(SHA256.HashData(of))}:";
        (await client.Put("/products/1/files/a.zip", content, ("Repr-Digest", Digest([9])))).Refuses(422, "VALIDATION_FAILED", "Repr-Digest");
        (await client.Put("/products/1/files/a.zip", content, ("Repr-Digest", "sha-256=:x:"))).Refuses(422, "VALIDATION_FAILED", "Repr-Digest");
        (await client.Put("/products/1/files/a.zip", content, ("Repr-Digest", "md5=:x:"))).Refuses(422, "VALIDATION_FAILED", "Repr-Digest");
        (await client.Put("/products/1/files/a.zip", [])).Refuses(422, "VALIDATION_FAILED");
        (await client.Put("/products/1/files/a.zip?version=" + new string('v', 101), content)).Refuses(422, "VALIDATION_FAILED", "version");
        (await client.Put("/products/9/files/a.zip", content)).Refuses(404, "PRODUCT_NOT_FOUND");
        (await client.Put("/products/1/files/a.zip", content, ("If-Match", "\"0\""))).Refuses(412, "PRECONDITION_FAILED");
        Assert.Equal(before, Stored(server));
        Assert.Equal(2, Files(server));
        (await client.Put("/products/1/files/a.zip", content, ("Repr-Digest", Digest(content)), ("Content-Type", "application/json"))).Ok(201);
    }

    [Theory]
    [InlineData("..%2f..%2fetc")]
    [InlineData("..%5Cetc")]
    [InlineData("a%2Fb.zip")]
    [InlineData("%2e%2e%2f")]
    [InlineData("a%0D%0AX-Evil:1.zip")]
    [InlineData("a%E2%80%AEpiz.exe")]
    [InlineData("a%7Fb")]
    public async Task A_hostile_name_is_refused(string name)
    {
        await using var server = await Operations.Shop();
        var before = Stored(server);
        var raw = await RawHttp.Send(server.Port, $"PUT /api/admin/products/1/files/{name} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.Admin().Key}\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");
        Assert.Matches("^HTTP/1.1 (422|404|400|405) ", raw);
        Assert.Equal(before, Stored(server));
        Assert.Equal(2, Files(server));
    }

    [Fact]
    public async Task NUL_in_a_name_is_refused_by_the_HTTP_layer()
    {
        await using var server = await Operations.Shop();
        Assert.StartsWith("HTTP/1.1 400 ", await RawHttp.Send(server.Port, $"PUT /api/admin/products/1/files/a%00.zip HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.Admin().Key}\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"));
        Assert.Equal(2, Files(server));
    }

    [Fact]
    public async Task A_file_over_the_limit_is_refused_before_its_body_is_read()
    {
        await using var server = await Operations.Shop(("Uploads:MaxBytes", "1000000"));
        var raw = await RawHttp.Send(server.Port, $"PUT /api/admin/products/1/files/a.zip HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.Admin().Key}\r\nContent-Length: 1000001\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413 ", raw);
        Assert.Contains("FILE_TOO_LARGE", raw);
        Assert.DoesNotContain("100 Continue", raw);
        (await server.Admin().Put("/products/1/files/a.zip", new byte[1_000_000])).Ok(201);
    }

    [Fact]
    public async Task One_of_unknown_length_is_refused_as_soon_as_it_passes_the_limit()
    {
        await using var server = await Operations.Shop(("Uploads:MaxBytes", "1000000"));
        var before = Stored(server);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, server.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"PUT /api/admin/products/1/files/a.zip HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.Admin().Key}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"));
        var chunk = Encoding.ASCII.GetBytes("10000\r\n" + new string('x', 0x10000) + "\r\n");
        for (var i = 0; i < 32; i++) await stream.WriteAsync(chunk);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        Assert.StartsWith("HTTP/1.1 413 ", await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(before, Stored(server));
        Assert.Equal(2, Files(server));
    }

    [Fact]
    public async Task An_upload_that_breaks_off_leaves_nothing_behind()
    {
        await using var server = await Operations.Shop();
        var before = Stored(server);
        for (var i = 0; i < 3; i++)
        {
            using (var client = new TcpClient())
            {
                await client.ConnectAsync(IPAddress.Loopback, server.Port);
                var stream = client.GetStream();
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"PUT /api/admin/products/1/files/a.zip HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.Admin().Key}\r\nContent-Length: 9000000\r\n\r\n"));
                await stream.WriteAsync(new byte[3_000_000]);
                await Poll.Until(() => Task.FromResult(Stored(server).Length), count => count > before.Length);
                if (i == 1) client.Client.LingerState = new LingerOption(true, 0);
            }

            await Poll.Until(() => Task.FromResult(Stored(server)), now => now.SequenceEqual(before));
        }

        Assert.Equal(2, Files(server));
        Assert.DoesNotContain(server.Log.Lines, line => line.Contains("nobody foresaw", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_same_upload_twice_is_one_file_even_at_once()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var content = RandomNumberGenerator.GetBytes(500_000);
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => client.Put("/products/1/files/a.zip", content, ("Idempotency-Key", "release-2"), Operations.Digest(content))));
        Assert.All(replies, reply => Assert.Equal((201, replies[0].Text), (reply.Status, reply.Text)));
        Assert.Equal((3, 3), (Stored(server).Length, Files(server)));
        (await client.Put("/products/1/files/a.zip", content[1..], ("Idempotency-Key", "release-2"), Operations.Digest(content[1..]))).Refuses(422, "IDEMPOTENCY_KEY_REUSED");
    }

    [Fact]
    public void The_list_of_what_a_name_may_not_be_is_kept() => Assert.All(["..", ".", "a/b", "a\\b", "a\0b", "a\nb", "a\u202eb", "", new string('a', 201)], name => Assert.NotNull(FileNames.Fault(name)));
}
