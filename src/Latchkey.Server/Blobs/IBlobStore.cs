using Latchkey.Server.Data;

namespace Latchkey.Server.Blobs;

/// <summary>What was stored: the id is random and ours, never made of anything a person typed.</summary>
/// <param name="Id">32 characters of <c>0-9a-f</c>.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Sha256">Of the content, computed on its way in.</param>
sealed record StoredBlob(string Id, long Size, byte[] Sha256);

/// <summary>What lies in a store.</summary>
/// <param name="Name">A blob's id, or what is left of an upload that broke off.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Modified">When it was last written to.</param>
sealed record BlobEntry(string Name, long Size, DateTimeOffset Modified);

/// <summary>Where published files lie, each under a random id, written once and never changed.</summary>
interface IBlobStore
{
    /// <summary>For people: the directory, or the bucket.</summary>
    string Place { get; }

    /// <summary>What may still be stored, in bytes; null where nobody can tell.</summary>
    long? Room();

    /// <summary>Stores under a new id, with constant memory; all of it, or nothing.</summary>
    /// <param name="source">Read to its end.</param>
    /// <param name="maxLength">What is longer is refused as soon as it is.</param>
    /// <param name="progress">Called with the bytes stored so far.</param>
    /// <param name="stop">Leaves nothing behind.</param>
    /// <exception cref="OperationException">It is too large.</exception>
    /// <exception cref="IOException">It cannot be stored.</exception>
    Task<StoredBlob> Add(Stream source, long maxLength = long.MaxValue, Action<long>? progress = null, CancellationToken stop = default);

    /// <summary>Opens a blob of a known size.</summary>
    /// <exception cref="StoreUnavailableException">It is missing, unreadable, or not of that size.</exception>
    ValueTask<IBlob> Open(string id, long size, CancellationToken stop = default);

    /// <summary>No error if it is not there.</summary>
    Task Delete(string id);

    /// <summary>All there is.</summary>
    IAsyncEnumerable<BlobEntry> All(CancellationToken stop = default);
}

/// <summary>An open blob.</summary>
interface IBlob : IDisposable
{
    /// <param name="buffer">What it can hold is read at the most.</param>
    /// <param name="offset">In the blob.</param>
    /// <param name="stop">Of the transfer.</param>
    /// <returns>Bytes read; 0 only at the end.</returns>
    /// <exception cref="IOException">It cannot be read.</exception>
    ValueTask<int> Read(Memory<byte> buffer, long offset, CancellationToken stop = default);
}
