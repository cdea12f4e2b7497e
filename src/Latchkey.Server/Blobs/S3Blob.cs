using System.Security.Cryptography;
using Amazon.S3.Model;

namespace Latchkey.Server.Blobs;

/// <summary>
/// Reads an object as one stream for as long as it is read in a row; while its reader is busy, the socket's own buffer reads
/// ahead. A body that breaks off is asked for again from where it broke off. What is read from its beginning to its
/// end is held against its hash, before the last of it is given out.
/// </summary>
sealed class S3Blob(S3Calls calls, string key, StoredBlob blob, string entityTag) : IBlob
{
    const int Tries = 3;

    /// <summary>At most so much is read at the end of the blob before the rest, and kept for the hash.</summary>
    const int LongestTail = 64 * 1024;

    readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    readonly byte[] _first = new byte[4096];
    GetObjectResponse? _body;
    byte[] _tail = [];
    ReadOnlyMemory<byte> _ahead;
    long _aheadAt;
    long _at;
    long _end;
    long _hashed;

    public string EntityTag => entityTag;

    public async ValueTask Begin(long offset, long length, CancellationToken stop = default)
    {
        if (length <= 0) return;
        var first = _first.AsMemory(0, (int)Math.Min(_first.Length, length));
        (_ahead, _aheadAt) = (first[..await Tried(first, offset, offset + length, stop)], offset);
    }

    public async ValueTask<int> Read(Memory<byte> buffer, long offset, CancellationToken stop = default)
    {
        buffer = buffer[..(int)Math.Min(buffer.Length, blob.Size - offset)];
        if (buffer.IsEmpty) return 0;
        if (offset > _hashed && offset + buffer.Length == blob.Size && buffer.Length <= LongestTail) return await ReadTail(buffer, offset, stop);
        if (_ahead.IsEmpty || offset != _aheadAt)
        {
            _ahead = default;
            return Passed(buffer[..await Tried(buffer, offset, blob.Size, stop)], offset);
        }

        var length = Math.Min(_ahead.Length, buffer.Length);
        _ahead[..length].CopyTo(buffer);
        _ahead = _ahead[length..];
        _aheadAt += length;
        return Passed(buffer[..length], offset);
    }

    async Task<int> ReadTail(Memory<byte> buffer, long offset, CancellationToken stop)
    {
        for (var read = 0; read < buffer.Length;) read += await Tried(buffer[read..], offset + read, blob.Size, stop);
        Close();
        _tail = buffer.ToArray();
        return buffer.Length;
    }

    /// <returns>At least one byte.</returns>
    async Task<int> Tried(Memory<byte> buffer, long offset, long end, CancellationToken stop)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                if (_body is null || _at != offset || _at == _end) await Ask(offset, _at == offset && _at < _end ? _end : end, stop);
                var read = await ReadBody(buffer, stop);
                _at += read;
                return read;
            }
            catch (IOException failure) when (failure is not S3Exception && tries < Tries)
            {
                Close();
            }
            catch
            {
                Close();
                throw;
            }
        }
    }

    async Task Ask(long offset, long end, CancellationToken stop)
    {
        Close();
        var request = new GetObjectRequest { BucketName = calls.Bucket, Key = key, ByteRange = new ByteRange(offset, end - 1), EtagToMatch = entityTag };
        var body = await calls.Quickly((s3, limit) => s3.GetObjectAsync(request, limit), stop);
        (_body, _at, _end) = (body, offset, end);
        if (body.ContentLength != end - offset) throw new IOException($"The store {calls.Place} answered with another part of the file than was asked for.");
    }

    async Task<int> ReadBody(Memory<byte> buffer, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(S3Calls.Short);
        try
        {
            var read = await _body!.ResponseStream.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _end - _at)], limit.Token);
            return read > 0 ? read : throw new EndOfStreamException($"The store {calls.Place} broke off in the middle of a file.");
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new IOException($"The store {calls.Place} stopped in the middle of a file.");
        }
        catch (Exception failure) when (failure is not (IOException or OperationCanceledException))
        {
            throw new IOException($"The store {calls.Place} broke off in the middle of a file.", failure);
        }
    }

    /// <summary>Hashes what comes in a row from the beginning on.</summary>
    /// <returns>Its length.</returns>
    /// <exception cref="DamagedBlobException">It is the last, and the whole is not what was stored.</exception>
    int Passed(ReadOnlyMemory<byte> read, long offset)
    {
        if (offset != _hashed) return read.Length;
        _hash.AppendData(read.Span);
        _hashed += read.Length;
        if (_hashed + _tail.Length != blob.Size) return read.Length;
        _hash.AppendData(_tail);
        _hashed = blob.Size;
        return _hash.GetHashAndReset().AsSpan().SequenceEqual(blob.Sha256) ? read.Length : throw new DamagedBlobException(blob.Id);
    }

    void Close()
    {
        _body?.Dispose();
        _body = null;
    }

    public void Dispose()
    {
        Close();
        _hash.Dispose();
    }
}
