using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Latchkey.Server.Data;
using Latchkey.Server.Telemetry;
using Microsoft.Win32.SafeHandles;

namespace Latchkey.Server.Blobs;

/// <summary>Files on disk.</summary>
/// <param name="root">The directory.</param>
/// <param name="owner">Tells whose it is; null: it lies in the data directory, and is nobody else's.</param>
sealed class FileBlobStore(string root, FileBlobOwner? owner = null) : IBlobStore
{
    const int Chunk = 1 << 20;
    const long Reserve = 64 << 20;

    /// <summary>How often an upload looks whether there is still room: others may take it meanwhile.</summary>
    const long Look = 16 << 20;

    public string Place => root;

    public BlobOwner Owner => owner?.Look() ?? BlobOwner.Us;

    /// <summary>Copies, hashes on the way, and puts the file in place in one step that a crash cannot halve.</summary>
    public async Task<StoredBlob> Add(Stream source, long maxLength = long.MaxValue, Action<long>? progress = null, string? id = null, CancellationToken stop = default)
    {
        using var timed = Timed.Store("disk", "put");
        id ??= BlobId.New();
        var final = PathOf(id);
        var directory = Path.GetDirectoryName(final)!;
        MakeDirectory(directory);
        owner?.Claim();
        var temporary = Path.Combine(root, BlobId.New() + ".tmp");
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var size = await Copy(source, temporary, hash, maxLength, progress, stop);
            File.Move(temporary, final, overwrite: true);
            Posix.SyncDirectory(directory);
            Posix.SyncDirectory(root);
            Posix.GiveToOwnerOf(Path.GetDirectoryName(root)!, root, directory, final);
            return new StoredBlob(id, size, hash.GetHashAndReset());
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>A first file must not go with its directory in a power cut.</summary>
    void MakeDirectory(string directory)
    {
        var isFirst = !Directory.Exists(root);
        Directory.CreateDirectory(directory);
        if (isFirst) Posix.SyncDirectory(Path.GetDirectoryName(root)!);
    }

    async Task<long> Copy(Stream source, string path, IncrementalHash hash, long maxLength, Action<long>? progress, CancellationToken stop)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            await using var target = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
            long size = 0;
            for (int read; (read = await source.ReadAtLeastAsync(buffer.AsMemory(0, Chunk), Chunk, throwOnEndOfStream: false, stop)) > 0;)
            {
                size += read;
                if (size > maxLength) throw BlobFaults.TooLarge(maxLength);
                if (size / Look != (size - read) / Look && Room() <= 0) throw BlobFaults.NoSpace("The disk is full: nothing was stored.");
                hash.AppendData(buffer, 0, read);
                await target.WriteAsync(buffer.AsMemory(0, read), stop);
                progress?.Invoke(size);
            }

            target.Flush(flushToDisk: true);
            return size;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>What a file may take of the disk: something stays free for the database.</summary>
    public long? Room()
    {
        var disk = new DriveInfo(Directory.Exists(root) ? root : Path.GetDirectoryName(root)!);
        return disk.AvailableFreeSpace - Math.Min(Reserve, disk.TotalSize / 20);
    }

    public ValueTask<IBlob> Open(StoredBlob blob, CancellationToken stop = default)
    {
        using var timed = Timed.Store("disk", "open");
        var (id, size, _) = blob;
        try
        {
            // Nobody writes to a blob: no lock is taken, which some network file systems do not have.
            var handle = File.OpenHandle(PathOf(id), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var length = RandomAccess.GetLength(handle);
            if (length == size) return ValueTask.FromResult<IBlob>(new FileBlob(handle));
            handle.Dispose();
            throw StoreUnavailableException.OfBlob(id, $"has {length} bytes, not {size}");
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw StoreUnavailableException.OfBlob(id, BlobHealth.Missing, failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw StoreUnavailableException.OfBlob(id, "cannot be read", failure);
        }
    }

    public string PathOf(string id) => Path.Combine(root, NameOf(id));

    /// <summary>Within the directory.</summary>
    public static string NameOf(string id) => $"{id[..2]}/{id}";

    public Task<string?> Fault(CancellationToken stop = default) =>
        Task.FromResult(!Directory.Exists(root) ? "is not there" : Posix.CanReadAndWrite(root) ? null : "may not be read and written by this user");

    public Task Delete(string id)
    {
        using var timed = Timed.Store("disk", "delete");
        // What an upload leaves behind lies beside the blobs' own directories.
        var file = Path.GetExtension(id).Length > 0 ? Path.Combine(root, id) : PathOf(id);
        if (File.Exists(file)) File.Delete(file);
        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<BlobEntry> All([EnumeratorCancellation] CancellationToken stop = default)
    {
        await Task.CompletedTask;
        if (!Directory.Exists(root)) yield break;
        foreach (var file in new DirectoryInfo(root).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            stop.ThrowIfCancellationRequested();
            if (file.Name == FileBlobOwner.FileName) continue;
            yield return new BlobEntry(file.Name, file.Length, file.LastWriteTimeUtc);
        }
    }

    /// <summary>Reads do not wait: the disk answers, or the page cache.</summary>
    sealed class FileBlob(SafeFileHandle handle) : IBlob
    {
        public ValueTask<int> Read(Memory<byte> buffer, long offset, CancellationToken stop = default) =>
            ValueTask.FromResult(RandomAccess.Read(handle, buffer.Span, offset));

        public void Dispose() => handle.Dispose();
    }
}
