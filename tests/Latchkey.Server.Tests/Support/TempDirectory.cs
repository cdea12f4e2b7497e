namespace Latchkey.Server.Tests.Support;

/// <summary>Directories that live for one test.</summary>
static class TempDirectory
{
    public static string Make() => Directory.CreateTempSubdirectory("latchkey-test-").FullName;

    public static void Delete(string path)
    {
        TestDatabase.Drop(path);
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
    }
}
