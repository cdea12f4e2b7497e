using System.Net;
using Amazon.S3.Model;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;

namespace Latchkey.Server.Backups;

/// <summary>Backups in a bucket, under a prefix.</summary>
sealed class BackupBucket(S3Settings settings) : IBackupPlace
{
    readonly S3Calls _calls = new(settings);

    public string Place => _calls.Place;

    string KeyOf(string name) => settings.Prefix + name;

    /// <summary>A bucket that is not there, or may not be listed, is told before the work begins.</summary>
    public Task Begin(CancellationToken stop) => _calls.Looking((s3, limit) => s3.ListObjectsV2Async(new ListObjectsV2Request { BucketName = _calls.Bucket, Prefix = settings.Prefix, MaxKeys = 1 }, limit), stop);

    public async Task<IReadOnlyDictionary<string, long>> All(string folder, CancellationToken stop)
    {
        var all = new Dictionary<string, long>(StringComparer.Ordinal);
        var request = new ListObjectsV2Request { BucketName = _calls.Bucket, Prefix = KeyOf(folder + "/") };
        ListObjectsV2Response page;
        do
        {
            page = await _calls.Patiently((s3, limit) => s3.ListObjectsV2Async(request, limit), stop);
            foreach (var entry in page.S3Objects ?? []) all[entry.Key[settings.Prefix.Length..]] = entry.Size ?? 0;
            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
        return all;
    }

    public async Task Put(BackupFile file, Stream content, CancellationToken stop)
    {
        var stored = await new S3Upload(_calls, KeyOf(file.Name)).Run(file.Name, content, long.MaxValue, null, stop);
        if (stored.Size == file.Size && Convert.ToHexStringLower(stored.Sha256) == file.Sha256) return;
        await Delete(file.Name);
        throw new DamagedBlobException(file.Name);
    }

    public async Task<byte[]> Read(string name, CancellationToken stop) => await Existing(name, async () =>
    {
        using var answer = await _calls.Patiently((s3, limit) => s3.GetObjectAsync(_calls.Bucket, KeyOf(name), limit), stop);
        var content = new MemoryStream();
        await answer.ResponseStream.CopyToAsync(content, stop);
        return content.ToArray();
    });

    public async Task<Stream> Open(BackupFile file, CancellationToken stop) => await Existing(file.Name, async () =>
    {
        var head = await _calls.Patiently((s3, limit) => s3.GetObjectMetadataAsync(_calls.Bucket, KeyOf(file.Name), limit), stop);
        if (head.ContentLength != file.Size) throw new DamagedBlobException(file.Name);
        return (Stream)new BlobStream(new S3Blob(_calls, KeyOf(file.Name), new StoredBlob(file.Name, file.Size, Convert.FromHexString(file.Sha256)), head.ETag));
    });

    async Task<T> Existing<T>(string name, Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (S3Exception failure) when (failure.Status == HttpStatusCode.NotFound)
        {
            throw new FileNotFoundException($"{Place}{name} is missing.", failure);
        }
    }

    public Task Delete(string name) => _calls.Patiently((s3, limit) => s3.DeleteObjectAsync(_calls.Bucket, KeyOf(name), limit), CancellationToken.None);

    public Task End() => Task.CompletedTask;

    public void Dispose() => _calls.Dispose();
}
