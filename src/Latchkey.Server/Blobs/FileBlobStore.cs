using System.Buffers;
using System.Security.Cryptography;
using Latchkey.Server.Data;
using Microsoft.Win32.SafeHandles;

namespace Latchkey.Server.Blobs;

/// <summary>What was stored: the id is random and ours, never made of anything a person typed.</summary>
sealed record StoredBlob(string Id, long Size, byte[] Sha256);

/// <summary>Files on disk, each under a random id, written once and never changed.</summary>
sealed class FileBlobStore(string root)
{
    const int Chunk = 1 << 20;
    const long Reserve = 64 << 20;

    public string Root => root;

    /// <summary>Copies, hashes on the way, and puts the file in place in one step that a crash cannot halve. Memory stays constant.</summary>
    /// <param name="source">Read to its end.</param>
    /// <param name="maxLength">What is longer is refused as soon as it is.</param>
    /// <param name="progress">Called with the bytes copied so far.</param>
    /// <param name="stop">Leaves nothing behind.</param>
    public async Task<StoredBlob> Add(Stream source, long maxLength = long.MaxValue, Action<long>? progress = null, CancellationToken stop = default)
    {
        var id = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var final = PathOf(id);
        var directory = Path.GetDirectoryName(final)!;
        Directory.CreateDirectory(directory);
        var temporary = Path.Combine(root, id + ".tmp");
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var size = await Copy(source, temporary, hash, maxLength, progress, stop);
            File.Move(temporary, final);
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

    static async Task<long> Copy(Stream source, string path, IncrementalHash hash, long maxLength, Action<long>? progress, CancellationToken stop)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            await using var target = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
            long size = 0;
            for (int read; (read = await source.ReadAtLeastAsync(buffer.AsMemory(0, Chunk), Chunk, throwOnEndOfStream: false, stop)) > 0;)
            {
                size += read;
                if (size > maxLength) throw TooLarge(maxLength);
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

    public static OperationException TooLarge(long maxLength) =>
        new($"The file is larger than {maxLength} bytes, which is the most that is taken (Uploads:MaxBytes).") { Fault = OperationFault.TooLarge, Code = "FILE_TOO_LARGE" };

    /// <summary>What a file may take of the disk: something stays free for the database.</summary>
    public long Room()
    {
        var disk = new DriveInfo(Path.GetDirectoryName(root)!);
        return disk.AvailableFreeSpace - Math.Min(Reserve, disk.TotalSize / 20);
    }

    /// <summary>Forgets what uploads left behind that a crash cut off: temporary files nobody has written to for a day.</summary>
    public void SweepInterrupted(DateTimeOffset now)
    {
        if (!Directory.Exists(root)) return;
        foreach (var file in Directory.EnumerateFiles(root, "*.tmp").Where(file => File.GetLastWriteTimeUtc(file) < now.UtcDateTime.AddDays(-1))) File.Delete(file);
    }

    /// <summary>Opens a blob of a known size for reading.</summary>
    /// <exception cref="StoreUnavailableException">It is missing, unreadable, or not of that size.</exception>
    public SafeFileHandle Open(string id, long size)
    {
        try
        {
            // Nobody writes to a blob: no lock is taken, which some network file systems do not have.
            var handle = File.OpenHandle(PathOf(id), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (RandomAccess.GetLength(handle) == size) return handle;
            handle.Dispose();
            throw new StoreUnavailableException($"the stored file {id} is damaged: run latchkey doctor");
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new StoreUnavailableException($"the stored file {id} is missing: run latchkey doctor", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnavailableException($"the stored file {id} cannot be read", failure);
        }
    }

    public string PathOf(string id) => Path.Combine(root, id[..2], id);

    public void Delete(string id) => File.Delete(PathOf(id));

    /// <summary>The names of all files there are: ids, and what an interrupted publication left behind.</summary>
    public IEnumerable<string> All() =>
        Directory.Exists(root)
            ? Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Select(file => Path.GetFileName(file))
            : [];
}
