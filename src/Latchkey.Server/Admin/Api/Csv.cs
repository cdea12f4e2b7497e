using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Latchkey.Server.Admin.Api;

static class Csv
{
    /// <summary>A file to save, written as it is read; its size does not matter.</summary>
    public static PushStreamHttpResult File(string name, Action<TextWriter> write) => TypedResults.Stream(async stream =>
    {
        // The rows come from a database that is read without waiting: a pipe's other end must not be waited for in between.
        await using var writer = new StreamWriter(new BufferedStream(new SynchronousStream(stream), 1 << 16), new UTF8Encoding(false));
        await Task.Run(() => write(writer));
    }, "text/csv; charset=utf-8", name);

    /// <summary>Kestrel takes asynchronous writes alone.</summary>
    sealed class SynchronousStream(Stream inner) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => inner.FlushAsync().GetAwaiter().GetResult();
        public override void Write(byte[] buffer, int offset, int count) => inner.WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);
        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => inner.WriteAsync(buffer, offset, count, cancellationToken);
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
