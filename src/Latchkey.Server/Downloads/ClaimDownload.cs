using System.Buffers;
using System.Security.Cryptography;
using Latchkey.Server.Activity;
using Latchkey.Server.Blobs;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.RateLimits;
using Latchkey.Server.Telemetry;

namespace Latchkey.Server.Downloads;

/// <summary><c>GET</c> and <c>HEAD /api/license/download-file/{token}</c>: the file, once.</summary>
sealed partial class ClaimDownload(
    DownloadTokens tokens, IBlobStore blobs, BlobHealth health, FileTransfer transfers, Delegation delegation, DownloadPlaces places, ActivityBoard activity, TimeProvider clock,
    ILogger<ClaimDownload> log)
{
    readonly Claim _claims = new(clock);

    public async Task Handle(HttpContext context)
    {
        var request = context.Request;
        if (!HttpMethods.IsHead(request.Method) && !HttpMethods.IsGet(request.Method))
        {
            var wrong = Wire.MethodNotAllowed("GET, HEAD");
            activity.Count(ActivityKind.Download, wrong.Code);
            await Answer.Refuse(context, wrong);
            return;
        }

        Patience.Begin();
        TokenFacts? token = null;
        try
        {
            token = await Find(context);
            await Judge(context, token);
        }
        catch (StoreUnavailableException failure)
        {
            if (token is not null) health.Failed(token.File.BlobId, failure);
            Note(context, Wire.Unavailable, token);
            throw;
        }
    }

    ValueTask<TokenFacts?> Find(HttpContext context) => tokens.Find((string)context.Request.RouteValues["token"]!);

    async Task Judge(HttpContext context, TokenFacts? token)
    {
        var client = ClientAddress.Of(context);
        var refusal = TokenVerdict.Judge(token, client.ToString(), clock.GetUtcNow());
        if (refusal is not null && refusal != Wire.DownloadTokenBusy)
        {
            await Refuse(context, refusal, token);
            return;
        }

        // Opened before the claim: a file that is missing spends nothing.
        using var file = await blobs.Open(token!.File.Stored(), context.RequestAborted);
        health.Opened(token.File.BlobId);
        if (Preview.IsPrefetch(context.Request)) context.Response.StatusCode = StatusCodes.Status204NoContent;
        else if (Preview.WantsPage(context.Request)) await DownloadPage.Show(context, token, await delegation.Origin(token.File));
        else if (!HttpMethods.IsHead(context.Request.Method)) await Deliver(context, token, client, file);
        else if (refusal is null) Describe(context.Response, token, ByteRange.Whole(token.File));
        else await Refuse(context, refusal, token);
    }

    async Task Deliver(HttpContext context, TokenFacts token, ClientAddress client, IBlob file)
    {
        if (Part(context.Request, token, file) is not { } part)
        {
            context.Response.Headers.ContentRange = $"bytes */{token.File.Size}";
            await Refuse(context, Wire.RangeNotSatisfiable, token);
            return;
        }

        var transfer = new Transfer(
            token.Id, token.LicenseId, token.File.ProductId, token.File.BlobId, client, RandomNumberGenerator.GetHexString(16, lowercase: true),
            part, token.HighWater, part.Length, delegation.Takes(context.Request, part));
        try
        {
            await (transfer.IsDelegated ? Delegate(context, token, transfer) : Stream(context, token, transfer, file));
        }
        catch (IOException failure) when (!context.Response.HasStarted)
        {
            throw BlobFaults.Unavailable(token.File.BlobId, blobs.Place, failure);
        }
    }

    async Task Stream(HttpContext context, TokenFacts token, Transfer transfer, IBlob file)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FileTransfer.OneGo);
        DownloadPlaces.Place? place = null;
        try
        {
            var last = buffer.AsMemory(0, transfer.Last);
            var claimed = await TryClaim(context, token, transfer, async (found, wanted, now) =>
            {
                place = places.TryTake(wanted.Client, wanted.LicenseId, out var full);
                if (full is not null) return new Claim.Outcome(wanted, full);
                await FileTransfer.Prepare(file, wanted, last, context.RequestAborted);
                if (await tokens.TryClaim(found, wanted, now)) return new Claim.Outcome(wanted, null);
                place!.Dispose();
                place = null;
                return null;
            });
            if (claimed is null) return;
            Patience.End();
            Describe(context.Response, token, transfer.Part);
            if (!await transfers.Run(context, file, claimed, last)) _claims.BrokenOff(claimed);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            place?.Dispose();
        }
    }

    /// <summary>What has left for others to send is handed over, as far as anybody here can know.</summary>
    async Task Delegate(HttpContext context, TokenFacts token, Transfer transfer)
    {
        var address = await delegation.Address(token.File, context.Request.Headers.Range.Count > 0 && !transfer.Part.IsWhole ? context.Request.Headers.Range.ToString() : null);
        var claimed = await TryClaim(
            context, token, transfer, async (found, wanted, now) => await tokens.TryClaim(found, wanted, now) ? new Claim.Outcome(wanted, null) : null);
        if (claimed is null) return;
        delegation.Send(context.Response, token.File, address);
        Instruments.Sent(transfer.Part.Length, delegation.Word);
        activity.Note(
            new ActivityNote(ActivityKind.Download, transfer.Part.From == 0 ? ActivityOutcome.Ok : ActivityOutcome.Partial, token.LicenseId, token.File.ProductId, "", transfer.Client),
            transfer.Part.Length);
    }

    /// <returns>Null if it was refused, and answered.</returns>
    async Task<Transfer?> TryClaim(HttpContext context, TokenFacts token, Transfer transfer, Func<TokenFacts, Transfer, DateTimeOffset, Task<Claim.Outcome?>> take)
    {
        var claim = await _claims.Try(token, transfer, () => Find(context), take, context.RequestAborted);
        if (claim.Refused is { } refusal)
        {
            await Refuse(context, refusal, token);
            return null;
        }

        Instruments.Token(token.ClaimedBy is null ? "claimed" : "resumed");
        if (!transfer.SpentByClaim) Claimed(token.Id, token.LicenseId, transfer.Part.From, transfer.Part.Length, transfer.Client.ToString(), context.TraceIdentifier);
        return claim.Transfer;
    }

    Task Refuse(HttpContext context, Refusal refusal, TokenFacts? token)
    {
        Note(context, refusal, token);
        return Answer.Refuse(context, refusal, token?.LicenseId);
    }

    void Note(HttpContext context, Refusal refusal, TokenFacts? token) => activity.Note(new ActivityNote(
        ActivityKind.Download, refusal.Code, token?.LicenseId ?? 0, token?.File.ProductId ?? 0, "", ClientAddress.Of(context)));

    /// <summary>
    /// On a fresh link a transfer starts in the middle only where the client has proved that it holds a part of this
    /// very file. Else it gets the whole: a tail alone would use the link up.
    /// </summary>
    static ByteRange? Part(HttpRequest request, TokenFacts token, IBlob file)
    {
        var part = ByteRange.Of(request, token.File, token.IsDelegated ? file.EntityTag : null);
        return part?.From > 0 && token.ClaimedBy is null && request.Headers.IfRange.Count == 0 ? ByteRange.Whole(token.File) : part;
    }

    static void Describe(HttpResponse response, TokenFacts token, ByteRange part)
    {
        FileHeaders.Set(response, token.File);
        response.ContentLength = part.Length;
        response.StatusCode = part.IsWhole ? StatusCodes.Status200OK : StatusCodes.Status206PartialContent;
        if (!part.IsWhole) response.Headers.ContentRange = part.ContentRange;
    }

    [LoggerMessage(40, LogLevel.Information, "Claimed download token {TokenId}: license {LicenseId}, from byte {From}, {Length} bytes, for {Address}, request {RequestId}")]
    partial void Claimed(long tokenId, long licenseId, long from, long length, string address, string requestId);
}
