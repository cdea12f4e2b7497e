using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Latchkey.Server.Tests.Admin.Api;
using Latchkey.Server.Tests.Support;

namespace Latchkey.Server.Tests.Reliability;

/// <summary>The admin API beside the customers' requests, and when the database or the disk does not go along.</summary>
public sealed class UnderLoadTests : IDisposable
{
    readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    async Task<string> MakeKey(params string[] scopes) =>
        (await _shop.Do(["api-key", "add", "--name", "Test", .. scopes.SelectMany(scope => new[] { "--scope", scope })])).Text("key");

    static HttpRequestMessage Request(HttpMethod method, string path, string key, HttpContent? content = null)
    {
        var request = new HttpRequestMessage(method, AdminClient.Root + path) { Content = content };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        return request;
    }

    /// <summary>SQLite's lock is polled for: a server that writes without a pause is quicker nearly every time.</summary>
    [Fact]
    [Trait("Database", "Sqlite")]
    public async Task A_command_waits_for_longer_than_a_request_beside_a_process_that_writes_without_a_pause()
    {
        await _shop.AddProduct();
        Task<CliResult> adding, backingUp;
        using (Tables.HoldWrites(_shop.Database))
        {
            adding = _shop.Run("license", "issue", "--product", "1");
            backingUp = Cli.Run(["backup", "--to", Path.Combine(_shop.Home, "backups"), "--data", _shop.Data], [("LATCHKEY_BACKUP_PASSPHRASE", "correct horse battery staple")]);
            await Assert.ThrowsAsync<TimeoutException>(() => Task.WhenAny(adding, backingUp).WaitAsync(TimeSpan.FromSeconds(7), TestContext.Current.CancellationToken));
        }

        Assert.Equal((0, ""), ((await adding).Status, (await adding).Error));
        Assert.Equal((0, ""), ((await backingUp).Status, (await backingUp).Error));
    }

    [Fact]
    public async Task No_mint_is_refused_while_ten_thousand_licenses_are_issued_suspended_and_resumed()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var key = server.Issue(1, "a.example").LicenseKey!;
        async Task Work()
        {
            for (var round = 0; round < 2; round++)
            {
                var first = (await client.Post("/licenses/batch", new { product_id = 1, count = 10_000 })).Ok(201).Json.GetProperty("first_id").GetInt64();
                foreach (var action in (string[])["suspend", "resume"])
                {
                    var done = (await client.Post($"/licenses/{action}", new { ids = Enumerable.Range(0, 10_000).Select(n => first + n) })).Ok().Json;
                    Assert.Equal(10_000, done.GetProperty("count").GetInt32());
                }
            }
        }

        var working = Work();
        var mints = 0;
        for (; !working.IsCompleted; mints++) Assert.Equal(200, (await server.Http.Mint(key, "a.example", 1)).Status);
        await working;
        Assert.True(mints > 3);
        Assert.Equal(20_000, server.WithDb(db => db.Audit.Count(e => e.Action == "license.suspend")));
    }

    [Fact]
    public async Task A_database_that_is_locked_is_503_with_Retry_After_and_nothing_is_changed()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        using (Tables.HoldWrites(server.Database()))
        {
            var reply = await client.Post("/licenses", new { product_id = 1 });
            reply.Refuses(503, "SERVICE_UNAVAILABLE");
            Assert.NotNull(reply.Header("Retry-After"));
            Assert.DoesNotContain("SQLite", reply.Text, StringComparison.OrdinalIgnoreCase);
            (await client.Get("/licenses/1")).Ok();
        }

        Assert.Equal(1, server.WithDb(db => db.Licenses.Count()));
        (await client.Post("/licenses", new { product_id = 1 })).Ok(201);
    }

    [Fact]
    public async Task Customers_are_answered_while_many_programs_write_at_once()
    {
        await using var server = await Operations.Shop();
        var client = server.Admin();
        var key = server.Issue(1, "a.example").LicenseKey!;
        var writes = Task.WhenAll(Enumerable.Range(0, 64).Select(_ => client.Post("/licenses", new { product_id = 1 })));
        var asked = 0;
        do
        {
            Assert.Equal(200, (await server.Http.Verify(key, "a.example", 1)).Status);
            Assert.Equal(200, (await server.Http.Mint(key, "a.example", 1)).Status);
            asked++;
        }
        while (!writes.IsCompleted);
        Assert.All(await writes, reply => Assert.Equal(201, reply.Status));
        Assert.True(asked > 0);
    }

    [Fact]
    public async Task A_file_of_300_MB_is_taken_with_memory_that_does_not_grow_with_it()
    {
        await _shop.AddProduct();
        var key = await MakeKey("products:write");
        await using var server = await _shop.Serve();
        var small = await server.Http.Read(Request(HttpMethod.Put, "/products/1/files/small.zip", key, new ByteArrayContent(new byte[5_000_000])));
        Assert.Equal(201, small.Status);
        var before = ResidentPeak(server.Id);
        const long size = 300_000_000;
        using var content = new StreamContent(new Zeros(size));
        content.Headers.ContentLength = size;
        var reply = await server.Http.Read(Request(HttpMethod.Put, "/products/1/files/large.zip", key, content));
        Assert.Equal(201, reply.Status);
        var file = reply.Json.GetProperty("artifacts")[0];
        Assert.Equal((size, Convert.ToHexStringLower(await SHA256.HashDataAsync(new Zeros(size)))), (file.GetProperty("file_size").GetInt64(), file.Text("sha256")));
        var grown = ResidentPeak(server.Id) - before;
        TestContext.Current.SendDiagnosticMessage($"peak memory grew by {grown >> 20} MiB");
        Assert.True(grown < 40 << 20, $"the peak of its memory grew by {grown >> 20} MiB");
    }

    /// <summary>VmHWM: the most that a process ever had in memory.</summary>
    static long ResidentPeak(int process) =>
        long.Parse(File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;

    [Fact]
    public async Task A_disk_without_room_is_507_whether_the_length_is_known_or_not_and_nothing_stays()
    {
        Directory.CreateDirectory(_shop.Data);
        Assert.Equal(0, await Run("mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", _shop.Data));
        try
        {
            await _shop.AddProduct();
            var key = await MakeKey("products:write");
            await using var server = await _shop.Serve();
            var before = _shop.Stored;
            foreach (var isKnown in (bool[])[true, false])
            {
                using var content = new StreamContent(new Zeros(12_000_000));
                if (isKnown) content.Headers.ContentLength = 12_000_000;
                var request = Request(HttpMethod.Put, "/products/1/files/a.zip", key, content);
                request.Headers.TransferEncodingChunked = !isKnown;
                request.Headers.ExpectContinue = isKnown;
                var reply = await server.Http.Read(request);
                Assert.Equal((507, "NO_SPACE"), (reply.Status, reply.Code));
                Assert.Equal(before, _shop.Stored);
            }

            Assert.Equal(201, (await server.Http.Read(Request(HttpMethod.Put, "/products/1/files/a.zip", key, new ByteArrayContent(new byte[100_000])))).Status);
        }
        finally
        {
            await Run("umount", _shop.Data);
        }
    }

    static async Task<int> Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    /// <summary>A file of zeros that takes no memory itself.</summary>
    sealed class Zeros(long size) : Stream
    {
        long _at;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => size;
        public override long Position { get => _at; set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count)
        {
            var read = (int)Math.Min(count, size - _at);
            Array.Clear(buffer, offset, read);
            _at += read;
            return read;
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
