using System.Security.Cryptography;
using Amazon.S3.Model;

namespace Latchkey.Server.Blobs;

/// <summary>
/// An upload in parts, of which one is in memory; what fits into one goes at once. The signature of each request covers the
/// SHA-256 of its body, so that the store refuses what was damaged on the way.
/// </summary>
sealed class S3Upload(S3Calls calls, string key)
{
    /// <summary>All of the same size but the last, as some stores want it; S3 takes 10,000 of them.</summary>
    const int Part = 8 << 20;

    const long Longest = 10_000L * Part;

    readonly List<PartETag> _parts = [];
    string? _upload;

    /// <exception cref="IOException">It was not stored, and nothing of it is left.</exception>
    public async Task<StoredBlob> Run(string id, Stream source, long maxLength, Action<long>? progress, CancellationToken stop)
    {
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var buffer = GC.AllocateUninitializedArray<byte>(Part);
            long size = 0;
            for (var isLast = false; !isLast;)
            {
                var read = await source.ReadAtLeastAsync(buffer, Part, throwOnEndOfStream: false, stop);
                isLast = read < Part;
                size += read;
                if (size > maxLength) throw BlobFaults.TooLarge(maxLength);
                if (size > Longest) throw BlobFaults.TooLarge(Longest, "the parts of an S3 object");
                hash.AppendData(buffer, 0, read);
                if (isLast && _upload is null) await PutWhole(buffer, read, stop);
                else if (read > 0) await PutPart(buffer, read, stop);
                progress?.Invoke(size);
            }

            if (_upload is not null) await Complete(stop);
            await RequireSize(size, stop);
            return new StoredBlob(id, size, hash.GetHashAndReset());
        }
        catch
        {
            await Undo();
            throw;
        }
    }

    async Task PutWhole(byte[] content, int length, CancellationToken stop) => await calls.Patiently(
        (s3, limit) => s3.PutObjectAsync(
            new PutObjectRequest { BucketName = calls.Bucket, Key = key, InputStream = new MemoryStream(content, 0, length, writable: false), ContentType = "application/octet-stream", UseChunkEncoding = false }, limit),
        stop);

    async Task PutPart(byte[] content, int length, CancellationToken stop)
    {
        _upload ??= (await calls.Patiently(
            (s3, limit) => s3.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = calls.Bucket, Key = key, ContentType = "application/octet-stream" }, limit), stop)).UploadId;
        var number = _parts.Count + 1;
        var part = await calls.Patiently(
            (s3, limit) => s3.UploadPartAsync(
                new UploadPartRequest
                {
                    BucketName = calls.Bucket,
                    Key = key,
                    UploadId = _upload,
                    PartNumber = number,
                    PartSize = length,
                    InputStream = new MemoryStream(content, 0, length, writable: false),
                    UseChunkEncoding = false,
                },
                limit),
            stop);
        _parts.Add(new PartETag(number, part.ETag));
    }

    async Task Complete(CancellationToken stop) => await calls.Patiently(
        (s3, limit) => s3.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest { BucketName = calls.Bucket, Key = key, UploadId = _upload, PartETags = _parts }, limit), stop);

    async Task RequireSize(long size, CancellationToken stop)
    {
        var head = await calls.Patiently((s3, limit) => s3.GetObjectMetadataAsync(calls.Bucket, key, limit), stop);
        if (head.ContentLength != size) throw new IOException($"The store {calls.Place} has {head.ContentLength} bytes of what should be {size}.");
    }

    /// <summary>An answer that did not come may have been a success: both ways are undone.</summary>
    async Task Undo()
    {
        try
        {
            if (_upload is not null) await Abort(calls, key, _upload);
            await calls.Quickly((s3, limit) => s3.DeleteObjectAsync(calls.Bucket, key, limit), CancellationToken.None);
        }
        catch (S3Exception)
        {
            // A store that is down: what is left is swept when it is back.
        }
    }

    public static async Task Abort(S3Calls calls, string key, string upload)
    {
        try
        {
            await calls.Quickly((s3, limit) => s3.AbortMultipartUploadAsync(calls.Bucket, key, upload, limit), CancellationToken.None);
        }
        catch (S3Exception failure) when (failure.Status is { } status && (int)status is 404 or 405 or 501)
        {
            // It is gone, or the store has no word for it.
        }
    }
}
