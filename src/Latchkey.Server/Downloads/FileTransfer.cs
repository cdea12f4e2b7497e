using Latchkey.Server.Activity;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;

namespace Latchkey.Server.Downloads;

/// <summary>
/// Streams a file from its store straight into the response, a chunk at a time, and keeps the token's books.
/// The token is spent, on disk, just before its last piece leaves: no crash can make a token live
/// again that has delivered. The last piece leaves when the client has taken what came before, so
/// that a client that went away half-way is noticed, and may come back.
/// </summary>
sealed partial class FileTransfer(DownloadTokens tokens, ActivityBoard activity, BlobHealth health, Settings settings, TimeProvider clock, ILogger<FileTransfer> log)
{
    public const int Chunk = 128 * 1024;
    public const int OneGo = 64 * 1024;
    public const int Tail = 4 * 1024;

    /// <summary>The last piece, read before the token is claimed, and the reading of the rest begun: what cannot be read must not be spent for.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static async ValueTask Prepare(IBlob file, Transfer transfer, Memory<byte> last, CancellationToken clientGone)
    {
        var rest = transfer.Part.Length - last.Length;
        var at = transfer.Part.From + rest;
        for (int read; last.Length > 0; last = last[read..], at += read)
        {
            read = await file.Read(last, at, clientGone);
            if (read == 0) throw new EndOfStreamException();
        }

        await file.Begin(transfer.Part.From, rest, clientGone);
    }

    /// <param name="context">Of the request.</param>
    /// <param name="file">Open.</param>
    /// <param name="transfer">Claimed.</param>
    /// <param name="last">Its last piece.</param>
    /// <returns>False if it broke off.</returns>
    public async Task<bool> Run(HttpContext context, IBlob file, Transfer transfer, ReadOnlyMemory<byte> last)
    {
        using var queue = new SendQueue(context);
        using var lease = new TransferLease(tokens, transfer, queue, settings.Downloads.MinimumBytesPerSecond, clock, context.RequestAborted);
        try
        {
            // Headers first, and the body goes straight into the connection's pipe instead of through a copy.
            await context.Response.StartAsync(lease.Running);
            while (lease.Left > last.Length)
            {
                await lease.MakeRoom(Chunk);
                await Send(context, file, lease, (int)Math.Min(Chunk, lease.Left - last.Length));
            }

            await lease.MakeRoom(last.Length);
            if (!transfer.SpentByClaim && transfer.Part.ReachesEnd)
            {
                await queue.Drained(lease.Running);
                await lease.Spend();
            }

            lease.Running.ThrowIfCancellationRequested();
        }
        catch (Exception failure)
        {
            await Stop(context, transfer, lease, queue, failure);
            return false;
        }

        // From here on the file counts as handed over, whatever becomes of the connection.
        if (last.Length > 0) await context.Response.BodyWriter.WriteAsync(last, CancellationToken.None);
        lease.Advance(last.Length);
        var isTaken = transfer.Part.ReachesEnd || await Taken(queue, lease);
        await lease.Stop();
        if (transfer.Part.IsWhole) health.Settled(transfer.BlobId);
        if (!transfer.Part.ReachesEnd) await Record(tokens.Interrupted(transfer, lease.Offset - queue.Waiting, lease.Unused), transfer);
        else if (!transfer.SpentByClaim) await Record(tokens.Finished(transfer, lease.Offset), transfer);
        Note(transfer, transfer.Part.ReachesEnd ? ActivityOutcome.Ok : ActivityOutcome.Partial, lease.Sent);
        HandedOver(lease.Sent, transfer.TokenId, transfer.LicenseId, transfer.Client.ToString(), transfer.Part.ReachesEnd, context.TraceIdentifier);
        return isTaken;
    }

    static async Task Send(HttpContext context, IBlob file, TransferLease lease, int length)
    {
        var body = context.Response.BodyWriter;
        for (int read, left = length; left > 0; left -= read)
        {
            var memory = body.GetMemory(left);
            read = await file.Read(memory[..Math.Min(memory.Length, left)], lease.Offset, lease.Running);
            if (read == 0) throw new EndOfStreamException();
            body.Advance(read);

            // Any of it may reach the client from now on, and be what a resumption goes on from.
            lease.Advance(read);
        }

        await body.FlushAsync(lease.Running);
        lease.Running.ThrowIfCancellationRequested();
    }

    /// <summary>A part in the middle counts for as much of it as the client has taken: the next one goes on from there.</summary>
    /// <returns>False if it has not taken all.</returns>
    static async Task<bool> Taken(SendQueue queue, TransferLease lease)
    {
        try
        {
            await queue.Drained(lease.Running);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>The last byte has not left: the claimant, and nobody else, may come back for it.</summary>
    async Task Stop(HttpContext context, Transfer transfer, TransferLease lease, SendQueue queue, Exception failure)
    {
        await lease.Stop();
        if (failure is not OperationCanceledException) Broken(transfer.TokenId, failure.GetType().Name, context.TraceIdentifier);
        if (failure is S3Exception { Fault: var down }) health.Down(down);

        // Where the store broke off, and not the line, all that is on its way arrives.
        var taken = failure is OperationCanceledException ? lease.Offset - queue.Waiting : lease.Offset;
        await Record(failure is DamagedBlobException ? Disown(transfer, lease) : tokens.Interrupted(transfer, taken, lease.Unused), transfer);
        Note(transfer, ActivityOutcome.Interrupted, lease.Sent);
        Interrupted(transfer.TokenId, transfer.LicenseId, lease.Sent, transfer.Part.Length, transfer.Client.ToString(), context.TraceIdentifier);
        context.Abort();
    }

    /// <summary>What has left was not the file: nothing can be resumed from it, and nothing of it counts.</summary>
    Task<bool> Disown(Transfer transfer, TransferLease lease)
    {
        health.Failed(transfer.BlobId, BlobHealth.Damaged);
        return tokens.Interrupted(transfer with { HighWaterBefore = 0 }, 0, lease.Sent + lease.Unused);
    }

    void Note(Transfer transfer, string outcome, long bytes) =>
        activity.Note(new ActivityNote(ActivityKind.Download, outcome, transfer.LicenseId, transfer.ProductId, "", transfer.Client), bytes);

    /// <summary>Where it cannot be written now, the lease runs out by itself.</summary>
    async Task Record(Task<bool> write, Transfer transfer)
    {
        try
        {
            await write;
        }
        catch (StoreUnavailableException failure)
        {
            NotRecorded(transfer.TokenId, failure.Message);
        }
    }

    [LoggerMessage(50, LogLevel.Information, "Handed over {Bytes} bytes for download token {TokenId}: license {LicenseId}, address {Address}, spent {Spent}, request {RequestId}")]
    partial void HandedOver(long bytes, long tokenId, long licenseId, string address, bool spent, string requestId);

    [LoggerMessage(51, LogLevel.Information, "Interrupted download token {TokenId}: license {LicenseId}, {Bytes} of {Length} bytes handed over, address {Address}, request {RequestId}")]
    partial void Interrupted(long tokenId, long licenseId, long bytes, long length, string address, string requestId);

    [LoggerMessage(52, LogLevel.Error, "The transfer of download token {TokenId} broke off: {Failure}, request {RequestId}")]
    partial void Broken(long tokenId, string failure, string requestId);

    [LoggerMessage(53, LogLevel.Error, "The end of a transfer of download token {TokenId} was not recorded: {Reason}")]
    partial void NotRecorded(long tokenId, string reason);
}
