namespace Latchkey.Server.Backups;

/// <summary>Where a copy of the database lies for as long as it is worked on: in a directory of its owner's alone, which goes with it.</summary>
sealed class StagingDirectory : IDisposable
{
    const string Begins = "backup-";
    const string Ends = ".tmp";

    /// <param name="parent">Made if it is not there.</param>
    public StagingDirectory(string parent)
    {
        Path = System.IO.Path.Combine(parent, $"{Begins}{System.Security.Cryptography.RandomNumberGenerator.GetHexString(8, lowercase: true)}{Ends}");
        Directory.CreateDirectory(Path);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public string Path { get; }

    /// <summary>What one that was killed has left. Whoever calls is alone.</summary>
    public static void Sweep(string parent)
    {
        if (!Directory.Exists(parent)) return;
        foreach (var left in Directory.EnumerateDirectories(parent, $"{Begins}*{Ends}")) Directory.Delete(left, recursive: true);
    }

    public void Dispose()
    {
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
    }
}
