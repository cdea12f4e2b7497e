using System.Formats.Tar;
using Latchkey.Server.Blobs;
using Latchkey.Server.Data;

namespace Latchkey.Server.Backups;

/// <summary>One backup in one file, a tape archive. It has its name only when it is whole.</summary>
sealed class BackupArchive(string path) : IBackupPlace
{
    public const string Extension = ".tar";

    Dictionary<string, (long Offset, long Size)>? _index;
    TarWriter? _writer;
    FileStream? _stream;

    string Temporary => path + ".tmp";

    public string Place => path;

    public Task Begin(CancellationToken stop)
    {
        if (File.Exists(path)) throw new OperationException($"{path} is there already: name another file, or a directory, which holds many backups.");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        _stream = new FileStream(Temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        _writer = new TarWriter(_stream, TarEntryFormat.Pax, leaveOpen: true);
        _index = [];
        return Task.CompletedTask;
    }

    public async Task<IReadOnlyDictionary<string, long>> All(string folder, CancellationToken stop) =>
        (await Index(stop)).Where(entry => entry.Key.StartsWith(folder + "/", StringComparison.Ordinal)).ToDictionary(entry => entry.Key, entry => entry.Value.Size);

    public async Task Put(BackupFile file, Stream content, CancellationToken stop)
    {
        await using var hashing = new HashingStream(content);
        await _writer!.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, file.Name) { Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, DataStream = new PartOfStream(hashing, file.Size) }, stop);

        // What is in no manifest counts for nothing.
        if (hashing.Hash() != file.Sha256) throw new DamagedBlobException(file.Name);
        _index![file.Name] = (0, file.Size);
    }

    async Task<Dictionary<string, (long Offset, long Size)>> Index(CancellationToken stop)
    {
        if (_index is not null) return _index;
        var index = new Dictionary<string, (long, long)>(StringComparer.Ordinal);
        try
        {
            await using var stream = File.OpenRead(path);
            await using var reader = new TarReader(stream);
            while (await reader.GetNextEntryAsync(copyData: false, stop) is { } entry)
            {
                if (entry.EntryType == TarEntryType.RegularFile) index[entry.Name] = (entry.DataOffset, entry.Length);
            }
        }
        catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException or FormatException)
        {
            throw new OperationException($"{path} is no backup, or damaged: it cannot be read as an archive to its end.");
        }

        return _index = index;
    }

    public async Task<byte[]> Read(string name, CancellationToken stop)
    {
        await using var part = await Part(name, stop);
        var content = new byte[part.Length];
        await part.ReadExactlyAsync(content, stop);
        return content;
    }

    public async Task<Stream> Open(BackupFile file, CancellationToken stop) => await Part(file.Name, stop);

    async Task<PartOfStream> Part(string name, CancellationToken stop)
    {
        if (!(await Index(stop)).TryGetValue(name, out var at)) throw new FileNotFoundException($"{name} is missing in {path}.");
        var stream = File.OpenRead(path);
        stream.Position = at.Offset;
        return new PartOfStream(stream, at.Size);
    }

    public Task Delete(string name) => throw new NotSupportedException();

    public async Task End()
    {
        await _writer!.DisposeAsync();
        _writer = null;
        _stream!.Flush(flushToDisk: true);
        await _stream.DisposeAsync();
        _stream = null;
        File.Move(Temporary, path);
        var directory = Path.GetDirectoryName(path)!;
        Posix.SyncDirectory(directory);
        Posix.GiveToOwnerOf(directory, path);
    }

    public void Dispose()
    {
        if (_stream is null) return;
        _stream.Dispose();
        File.Delete(Temporary);
    }
}
