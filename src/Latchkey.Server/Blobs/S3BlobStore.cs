using System.Net;
using System.Runtime.CompilerServices;
using Amazon.S3;
using Amazon.S3.Model;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Telemetry;

namespace Latchkey.Server.Blobs;

/// <summary>
/// Objects in a bucket of any store that speaks S3. Their names are the prefix, a name of this installation, and the
/// blob's id: what others keep in the bucket, another Latchkey too, is never listed, and never deleted.
/// </summary>
/// <param name="settings">With a bucket.</param>
/// <param name="installation">Letters and digits; the same for all servers of one installation, and for no other.</param>
sealed class S3BlobStore(S3Settings settings, string installation) : IBlobStore
{
    // Made when it is needed: the SDK takes its time.
    readonly Lazy<S3Calls> _calls = new(() => new S3Calls(settings));
    readonly string _prefix = $"{settings.Prefix}{installation}/";

    S3Calls Calls => _calls.Value;

    public string Place => $"s3://{settings.Bucket}/{settings.Prefix}";

    public string KeyOf(string id) => _prefix + id;

    public async Task<StoredBlob> Add(Stream source, long maxLength = long.MaxValue, Action<long>? progress = null, string? id = null, CancellationToken stop = default)
    {
        using var timed = Timed.Store("s3", "put");
        id ??= BlobId.New();
        return await new S3Upload(Calls, KeyOf(id)).Run(id, source, maxLength, progress, stop);
    }

    /// <summary>The bucket tells nobody.</summary>
    public long? Room() => null;

    public async ValueTask<IBlob> Open(StoredBlob blob, CancellationToken stop = default)
    {
        using var timed = Timed.Store("s3", "open");
        try
        {
            var head = await Calls.Quickly((s3, limit) => s3.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = Calls.Bucket, Key = KeyOf(blob.Id) }, limit), stop);
            return head.ContentLength == blob.Size
                ? new S3Blob(Calls, KeyOf(blob.Id), blob, head.ETag)
                : throw StoreUnavailableException.OfBlob(blob.Id, $"has {head.ContentLength} bytes, not {blob.Size}");
        }
        catch (S3Exception failure)
        {
            throw failure.Status == HttpStatusCode.NotFound
                ? StoreUnavailableException.OfBlob(blob.Id, BlobHealth.Missing, failure)
                : StoreUnavailableException.OfStore(Place, failure.Fault, failure);
        }
    }

    public async Task<string?> Fault(CancellationToken stop = default)
    {
        try
        {
            await Calls.Looking((s3, limit) => s3.ListObjectsV2Async(new ListObjectsV2Request { BucketName = Calls.Bucket, Prefix = _prefix, MaxKeys = 1 }, limit), stop);
            return null;
        }
        catch (S3Exception failure)
        {
            // An answer to this question says nothing of the others: a key may be allowed to read, and not to list.
            return failure.Status is null or 0 ? failure.Fault : $"cannot be listed ({failure.Fault})";
        }
    }

    public async Task Delete(string id)
    {
        using var timed = Timed.Store("s3", "delete");
        if (!id.EndsWith(".tmp", StringComparison.Ordinal))
        {
            await Calls.Patiently((s3, limit) => s3.DeleteObjectAsync(Calls.Bucket, KeyOf(id), limit), CancellationToken.None);
            return;
        }

        await foreach (var upload in Uploads(KeyOf(id[..^4]), CancellationToken.None)) await S3Upload.Abort(Calls, upload.Key, upload.UploadId);
    }

    public async IAsyncEnumerable<BlobEntry> All([EnumeratorCancellation] CancellationToken stop = default)
    {
        var request = new ListObjectsV2Request { BucketName = Calls.Bucket, Prefix = _prefix };
        ListObjectsV2Response page;
        do
        {
            page = await Calls.Patiently((s3, limit) => s3.ListObjectsV2Async(request, limit), stop);
            foreach (var entry in page.S3Objects ?? [])
            {
                if (IdOf(entry.Key) is { } id) yield return new BlobEntry(id, entry.Size ?? 0, entry.LastModified ?? DateTime.MaxValue);
            }

            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);

        await foreach (var upload in Uploads(_prefix, stop))
        {
            if (IdOf(upload.Key) is { } id) yield return new BlobEntry(id + ".tmp", 0, upload.Initiated ?? DateTime.MaxValue);
        }
    }

    string? IdOf(string key) => key.StartsWith(_prefix, StringComparison.Ordinal) && BlobId.IsOurs(key.AsSpan(_prefix.Length)) ? key[_prefix.Length..] : null;

    /// <summary>Those that began and did not end. Their parts are stored, and paid for, until somebody aborts them.</summary>
    async IAsyncEnumerable<MultipartUpload> Uploads(string prefix, [EnumeratorCancellation] CancellationToken stop)
    {
        var request = new ListMultipartUploadsRequest { BucketName = Calls.Bucket, Prefix = prefix };
        ListMultipartUploadsResponse page;
        do
        {
            try
            {
                page = await Calls.Patiently((s3, limit) => s3.ListMultipartUploadsAsync(request, limit), stop);
            }
            catch (S3Exception failure) when (failure.Status is HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed)
            {
                // Some stores cannot list them: they clear them away by themselves.
                yield break;
            }

            foreach (var upload in page.MultipartUploads ?? []) yield return upload;
            (request.KeyMarker, request.UploadIdMarker) = (page.NextKeyMarker, page.NextUploadIdMarker);
        }
        while (page.IsTruncated == true);
    }

    /// <summary>An address at which the store itself hands out a blob, to whoever has it.</summary>
    /// <param name="id">Which.</param>
    /// <param name="lifetime">How long it is good for, by the store's clock.</param>
    /// <param name="contentType">What the store shall say that it is.</param>
    /// <param name="disposition">And what it shall be saved as.</param>
    /// <param name="range">Signed, so that the link is good for this <c>Range</c> alone; null where it is for the whole.</param>
    /// <exception cref="S3Exception">There are no credentials to sign it with.</exception>
    public async Task<string> LinkTo(string id, TimeSpan lifetime, string contentType, string disposition, string? range)
    {
        var request = new GetPreSignedUrlRequest
        {
            BucketName = Calls.Bucket,
            Key = KeyOf(id),
            Verb = HttpVerb.GET,
            Expires = (TimeProvider.System.GetUtcNow() + lifetime).UtcDateTime,
            Protocol = settings.Endpoint?.Scheme == Uri.UriSchemeHttp ? Protocol.HTTP : Protocol.HTTPS,
        };
        if (range is not null) request.Headers["Range"] = range;
        request.ResponseHeaderOverrides.ContentType = contentType;
        request.ResponseHeaderOverrides.ContentDisposition = disposition;
        request.ResponseHeaderOverrides.CacheControl = "no-store, private";
        return await Calls.Quickly((s3, _) => s3.GetPreSignedURLAsync(request), CancellationToken.None);
    }
}
