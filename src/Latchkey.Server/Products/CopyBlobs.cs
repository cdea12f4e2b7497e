using Latchkey.Server.Blobs;
using Latchkey.Server.Data;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Products;

/// <param name="Copied">Files.</param>
/// <param name="Present">Files that were there already, with the size that they should have.</param>
/// <param name="Bytes">Copied.</param>
/// <param name="Failed">Files that were not copied, each with what is wrong with it.</param>
sealed record CopiedBlobs(int Copied, int Present, long Bytes, IReadOnlyList<string> Failed);

/// <summary>
/// Copies every file of every release from one store to another. What is there already is left alone, so that a copy that
/// broke off goes on where it was; what is published meanwhile is copied too.
/// </summary>
sealed class CopyBlobs(Database database, IBlobStore from, IBlobStore to)
{
    readonly HashSet<string> _done = new(StringComparer.Ordinal);
    readonly List<string> _failed = [];
    readonly Dictionary<long, string> _versions = [];
    int _copied;
    int _present;
    long _bytes;
    long _passed;
    long _total;

    /// <param name="progress">Called with the bytes that are done, and those of all files.</param>
    /// <param name="stop">Leaves what was copied so far.</param>
    /// <exception cref="IOException">The store that is copied to does not take it.</exception>
    /// <exception cref="StoreUnavailableException">One of the stores does not answer.</exception>
    public async Task<CopiedBlobs> Run(Action<long, long>? progress, CancellationToken stop)
    {
        for (var files = Next(); files.Count > 0; files = Next())
        {
            _total += files.Sum(file => file.Size);
            foreach (var file in files)
            {
                await Copy(file, progress, stop);
                _passed += file.Size;
                progress?.Invoke(_passed, _total);
            }
        }

        return new CopiedBlobs(_copied, _present, _bytes, _failed);
    }

    List<Artifact> Next()
    {
        using var db = database.OpenContext();
        foreach (var release in db.Releases.Select(r => new { r.Id, r.Version })) _versions[release.Id] = release.Version;
        return db.Artifacts.AsNoTracking().OrderBy(a => a.Id).AsEnumerable().Where(file => _done.Add(file.BlobId)).ToList();
    }

    async Task Copy(Artifact file, Action<long, long>? progress, CancellationToken stop)
    {
        var blob = file.Stored();
        if (await IsThere(blob, stop))
        {
            _present++;
            return;
        }

        if (to.Room() < blob.Size) throw BlobFaults.NoSpace($"The disk of {to.Place} is full: it has no room for {blob.Size} more bytes.");
        try
        {
            using var content = await from.Open(blob, stop);
            var stored = await to.Add(new BlobStream(content), long.MaxValue, progress is null ? null : bytes => progress(_passed + bytes, _total), blob.Id, stop);
            if (!stored.Sha256.AsSpan().SequenceEqual(blob.Sha256)) await Refuse(file);
            else (_copied, _bytes) = (_copied + 1, _bytes + blob.Size);
        }
        catch (DamagedBlobException)
        {
            await Refuse(file);
        }
        catch (StoreUnavailableException failure) when (failure.BlobFault is { } fault)
        {
            Fail(file, fault);
        }
    }

    async Task Refuse(Artifact file)
    {
        await to.Delete(file.BlobId);
        Fail(file, BlobHealth.Damaged);
    }

    void Fail(Artifact file, string fault) => _failed.Add($"{file.FileName} of release {_versions[file.ReleaseId]}, product {file.ProductId} ({file.BlobId}) {fault}");

    async Task<bool> IsThere(StoredBlob blob, CancellationToken stop)
    {
        try
        {
            using var _ = await to.Open(blob, stop);
            return true;
        }
        catch (StoreUnavailableException failure) when (failure.BlobFault is not null)
        {
            return false;
        }
    }
}
