using System.Diagnostics;

namespace Latchkey.Server.Tests.Support;

/// <summary>A file system of a few megabytes in memory, which a filler takes up to the page.</summary>
sealed class SmallDisk : IAsyncDisposable
{
    /// <summary>Room is taken and given in these.</summary>
    public const int Page = 4096;

    SmallDisk(string path) => Path = path;

    public string Path { get; }

    string Filler => System.IO.Path.Combine(Path, "filler");

    public static async Task<SmallDisk> Mount(string path, int megabytes)
    {
        Directory.CreateDirectory(path);
        Assert.Equal(0, await Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=0700", "tmpfs", path));
        return new SmallDisk(path);
    }

    /// <summary>Up to the last byte, but for <paramref name="free"/>.</summary>
    public void Fill(int free = 0)
    {
        using var filler = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (var size = 65_536; size > 0; size /= 2)
        {
            try
            {
                while (true) filler.Write(new byte[size]);
            }
            catch (IOException)
            {
                // Full for a piece of this size: try half of it.
            }
        }

        filler.SetLength(Math.Max(0, filler.Length - free));
    }

    public void MakeRoom() => File.Delete(Filler);

    static async Task<int> Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync() => await Run("umount", Path);
}
