using System.Buffers;
using System.Security.Cryptography;
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

/// <summary>Names of blobs.</summary>
static class BlobId
{
    static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    public static string New() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>Is it a name that we give? What is called otherwise is somebody else's.</summary>
    public static bool IsOurs(ReadOnlySpan<char> name) => name.Length == 32 && !name.ContainsAnyExcept(Digits);
}

/// <summary>Whose a store is.</summary>
enum BlobOwner
{
    Us,

    /// <summary>Nothing was stored there yet; or before stores were marked.</summary>
    Unknown,
    Another,
}

/// <summary>Where published files lie, each under a random id, written once and never changed.</summary>
interface IBlobStore
{
    /// <summary>For people: the directory, or the bucket.</summary>
    string Place { get; }

    /// <summary>Looks whether the store is there at all.</summary>
    /// <returns>What is wrong with it, as <c>does not answer</c>; null if nothing is.</returns>
    Task<string?> Fault(CancellationToken stop = default);

    /// <summary>Whose files these are: only from our own may be removed what no release of ours refers to.</summary>
    BlobOwner Owner => BlobOwner.Us;

    /// <summary>What may still be stored, in bytes; null where nobody can tell.</summary>
    long? Room();

    /// <summary>Stores with constant memory; all of it, or nothing.</summary>
    /// <param name="source">Read to its end.</param>
    /// <param name="maxLength">What is longer is refused as soon as it is.</param>
    /// <param name="progress">Called with the bytes stored so far.</param>
    /// <param name="id">Null is a new one; what lies under one that is given is replaced.</param>
    /// <param name="stop">Leaves nothing behind.</param>
    /// <exception cref="OperationException">It is too large.</exception>
    /// <exception cref="IOException">It cannot be stored.</exception>
    Task<StoredBlob> Add(Stream source, long maxLength = long.MaxValue, Action<long>? progress = null, string? id = null, CancellationToken stop = default);

    /// <summary>Opens what was stored.</summary>
    /// <exception cref="StoreUnavailableException">It is missing, unreadable, or not of that size; or the store does not answer.</exception>
    ValueTask<IBlob> Open(StoredBlob blob, CancellationToken stop = default);

    /// <summary>No error if it is not there.</summary>
    /// <exception cref="IOException">It cannot be deleted.</exception>
    Task Delete(string id);

    /// <summary>All there is: blobs, and as <c>id.tmp</c> what is left of uploads. A store that others use too tells of ours alone.</summary>
    /// <exception cref="IOException">It cannot be listed.</exception>
    IAsyncEnumerable<BlobEntry> All(CancellationToken stop = default);
}

/// <summary>An open blob, which one reader reads.</summary>
interface IBlob : IDisposable
{
    /// <summary>What the store itself calls this content in an <c>ETag</c>; null where it has no name for it.</summary>
    string? EntityTag => null;

    /// <summary>Makes sure that reading can begin: what fails now has cost nothing yet.</summary>
    /// <param name="offset">Where it will begin.</param>
    /// <param name="length">How much will be read in a row.</param>
    /// <param name="stop">Of the transfer.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    ValueTask Begin(long offset, long length, CancellationToken stop = default) => ValueTask.CompletedTask;

    /// <param name="buffer">What it can hold is read at the most.</param>
    /// <param name="offset">In the blob.</param>
    /// <param name="stop">Of the transfer.</param>
    /// <returns>Bytes read; 0 only at the end.</returns>
    /// <exception cref="DamagedBlobException">It was read from its beginning, and is not what was stored.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    ValueTask<int> Read(Memory<byte> buffer, long offset, CancellationToken stop = default);
}

/// <summary>What came out of the store does not have the hash of what went in.</summary>
sealed class DamagedBlobException(string id) : IOException($"the stored file {id} does not match its hash: run latchkey doctor");
