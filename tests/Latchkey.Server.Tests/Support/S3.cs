using System.Diagnostics;

namespace Latchkey.Server.Tests.Support;

/// <summary>A real S3 API: s3rver, installed by <c>./test</c>, as a process of its own, with a line in front on which things go wrong when a test says so.</summary>
sealed class S3 : IAsyncDisposable
{
    public const string Bucket = "vendor-files";
    public const string AccessKey = "S3RVER";

    readonly Process _process;
    readonly string _directory;

    S3(Process process, string directory, FaultyLine line) => (_process, _directory, Line) = (process, directory, line);

    public FaultyLine Line { get; }

    /// <summary>Settings for a server in this process.</summary>
    public (string Name, string Value)[] Settings =>
    [
        ("Blobs:Store", "S3"), ("Blobs:S3:Endpoint", Line.Url), ("Blobs:S3:Bucket", Bucket), ("Blobs:S3:AccessKey", AccessKey), ("Blobs:S3:SecretKey", AccessKey),
    ];

    /// <summary>The same for a process of its own.</summary>
    public (string Name, string Value)[] Environment => [.. Settings.Select(s => ("LATCHKEY_" + s.Name.Replace(":", "__", StringComparison.Ordinal), s.Value))];

    public static async Task<S3> Run()
    {
        var directory = TempDirectory.Make();
        var program = Path.Combine(Cli.Root, "artifacts", "s3rver", "node_modules", "s3rver", "bin", "s3rver.js");
        Assert.True(File.Exists(program), "s3rver is missing: ./test installs it");
        // It encrypts the marks of its pages with a cipher that OpenSSL has retired.
        var process = Process.Start(new ProcessStartInfo("node", ["--openssl-legacy-provider", program, "-d", directory, "-a", "127.0.0.1", "-p", "0", "--no-vhost-buckets", "--configure-bucket", Bucket, "-s"])
        {
            RedirectStandardOutput = true,
        })!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!line.Contains("listening on", StringComparison.Ordinal)) continue;
            _ = process.StandardOutput.ReadToEndAsync();
            return new S3(process, directory, await FaultyLine.To($"http://{line.Split(' ')[^1]}"));
        }

        throw new InvalidOperationException("s3rver did not start");
    }

    /// <summary>The objects, as s3rver keeps them: their names in the bucket, and the files that hold them.</summary>
    public IReadOnlyDictionary<string, string> Objects
    {
        get
        {
            var root = Path.Combine(_directory, Bucket);
            const string end = "._S3rver_object";
            return Directory.Exists(root)
                ? Directory.GetFiles(root, "*" + end, SearchOption.AllDirectories).ToDictionary(file => Path.GetRelativePath(root, file)[..^end.Length])
                : new Dictionary<string, string>();
        }
    }

    /// <summary>Puts an object beside ours, as another program does.</summary>
    public async Task Put(string key, byte[] content)
    {
        using var http = new HttpClient();
        using var answer = await http.PutAsync($"{Line.Url}/{Bucket}/{key}", new ByteArrayContent(content));
        answer.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        await Line.DisposeAsync();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        TempDirectory.Delete(_directory);
    }
}
