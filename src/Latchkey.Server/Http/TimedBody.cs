namespace Latchkey.Server.Http;

/// <summary>
/// The body of a request, which must have come in a given time, however it is read and whoever reads it. While more of it is waited for, the
/// connection counts as one that waits.
/// </summary>
sealed class TimedBody : Stream
{
    readonly Stream _body;
    readonly OpenConnection? _connection;
    readonly CancellationTokenSource _late;

    TimedBody(Stream body, OpenConnection? connection, TimeSpan time, TimeProvider clock) => (_body, _connection, _late) = (body, connection, new CancellationTokenSource(time, clock));

    /// <returns>Null: the request has no body.</returns>
    public static TimedBody? Of(HttpContext context, OpenConnection? connection, TimeSpan time, TimeProvider clock)
    {
        var request = context.Request;
        if (request.ContentLength is not > 0 && request.Headers.TransferEncoding.Count == 0) return null;
        var body = new TimedBody(request.Body, connection, time, clock);
        request.Body = body;
        return body;
    }

    /// <summary>A file comes as slowly as the line is, from someone who was let in.</summary>
    public static void Lift(HttpContext context) => (context.Request.Body as TimedBody)?._late.CancelAfter(Timeout.InfiniteTimeSpan);

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _late.Token);
        _connection?.Waits();
        try
        {
            return await _body.ReadAsync(buffer, both.Token);
        }
        catch (OperationCanceledException) when (_late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new BadHttpRequestException("The request body did not come in time", StatusCodes.Status408RequestTimeout);
        }
        finally
        {
            _connection?.Works();
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override void Flush() => throw new NotSupportedException();
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) _late.Dispose();
        base.Dispose(disposing);
    }
}
