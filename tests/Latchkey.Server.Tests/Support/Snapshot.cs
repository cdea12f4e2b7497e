using System.Security.Cryptography;

namespace Latchkey.Server.Tests.Support;

/// <summary>A directory tree as it is now: each name with its kind, rights, times of change and, of files, size and hash.</summary>
static class Snapshot
{
    public static string[] Of(string root) =>
        [.. Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories).Prepend(root).Order(StringComparer.Ordinal).Select(Line)];

    /// <summary>SQLite's index of a log that was left behind (-shm) holds no data, and reading the log rewrites it.</summary>
    static bool IsIndexOfLog(string path) => path.EndsWith("-shm", StringComparison.Ordinal);

    static string Line(string path)
    {
        if (IsIndexOfLog(path)) return path;
        var isDirectory = Directory.Exists(path);
        var time = File.GetLastWriteTimeUtc(path).Ticks;
        var content = isDirectory ? "directory" : $"{new FileInfo(path).Length} bytes {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))}";
        return $"{path} {File.GetUnixFileMode(path)} {time} {content}";
    }
}
