using System.Buffers;
using System.Security.Cryptography;
using Latchkey.Server.Data;

namespace Latchkey.Server.Blobs;

/// <summary>Holds what lies in a store against what it should be.</summary>
static class BlobCheck
{
    const int Chunk = 1 << 20;
    const string Unreadable = "cannot be read";

    /// <returns>What is wrong with it, as <c>is missing</c>; null if nothing is.</returns>
    public static async Task<string?> Fault(IBlobStore store, StoredBlob blob, CancellationToken stop = default)
    {
        try
        {
            using var content = await store.Open(blob, stop);
            return (await Hash(content, blob.Size, stop)).AsSpan().SequenceEqual(blob.Sha256) ? null : BlobHealth.Damaged;
        }
        catch (DamagedBlobException)
        {
            return BlobHealth.Damaged;
        }
        catch (StoreUnavailableException failure)
        {
            return failure.BlobFault ?? Unreadable;
        }
        catch (IOException)
        {
            return Unreadable;
        }
    }

    static async Task<byte[]> Hash(IBlob blob, long size, CancellationToken stop)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (long at = 0; at < size;)
            {
                var read = await blob.Read(buffer.AsMemory(0, (int)Math.Min(Chunk, size - at)), at, stop);
                if (read == 0) throw new EndOfStreamException();
                hash.AppendData(buffer, 0, read);
                at += read;
            }

            return hash.GetHashAndReset();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
