using Latchkey.Server.Blobs;
using Latchkey.Server.Data;

namespace Latchkey.Server.Backups;

/// <summary>Backups in a directory.</summary>
sealed class BackupDirectory(string root) : IBackupPlace
{
    public string Place => root;

    public Task Begin(CancellationToken stop)
    {
        if (Directory.Exists(root) && !Directory.Exists(PathOf(BackupNames.Manifests)) && Directory.EnumerateFileSystemEntries(root).Any())
        {
            throw new OperationException($"{root} holds other things than backups: name an empty directory, or one that is not there yet.");
        }

        Directory.CreateDirectory(PathOf(BackupNames.Manifests));
        foreach (var left in Directory.EnumerateFiles(root, "*.tmp", SearchOption.AllDirectories)) File.Delete(left);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyDictionary<string, long>> All(string folder, CancellationToken stop)
    {
        var directory = new DirectoryInfo(PathOf(folder));
        return Task.FromResult<IReadOnlyDictionary<string, long>>(directory.Exists
            ? directory.EnumerateFiles("*", SearchOption.AllDirectories).ToDictionary(file => Path.GetRelativePath(root, file.FullName), file => file.Length)
            : []);
    }

    public async Task Put(BackupFile file, Stream content, CancellationToken stop)
    {
        var final = PathOf(file.Name);
        var directory = Path.GetDirectoryName(final)!;
        if (!Directory.Exists(directory))
        {
            Directory.CreateDirectory(directory);
            Posix.SyncDirectory(Path.GetDirectoryName(directory)!);
        }

        var temporary = final + ".tmp";
        try
        {
            await using (var target = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                if (await Copy.Hashed(content, target, stop) != (file.Size, file.Sha256)) throw new DamagedBlobException(file.Name);
                target.Flush(flushToDisk: true);
            }

            File.Move(temporary, final, overwrite: true);
            Posix.SyncDirectory(directory);
            Posix.GiveToOwnerOf(root, Path.GetDirectoryName(directory)!, directory, final);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    public Task<byte[]> Read(string name, CancellationToken stop) => File.ReadAllBytesAsync(Existing(name), stop);

    public Task<Stream> Open(BackupFile file, CancellationToken stop) => Task.FromResult<Stream>(File.OpenRead(Existing(file.Name)));

    string Existing(string name) => File.Exists(PathOf(name)) ? PathOf(name) : throw new FileNotFoundException($"{PathOf(name)} is missing.");

    public Task Delete(string name)
    {
        File.Delete(PathOf(name));
        return Task.CompletedTask;
    }

    public Task End() => Task.CompletedTask;

    string PathOf(string name) => Path.Combine(root, name);

    public void Dispose()
    {
        // Nothing is held.
    }
}
