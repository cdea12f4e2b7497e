using System.Buffers;
using System.Security.Cryptography;
using Latchkey.Server.Activity;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Latchkey.Server.RateLimits;

namespace Latchkey.Server.Downloads;

/// <summary><c>GET</c> and <c>HEAD /api/license/download-file/{token}</c>: the file, once.</summary>
sealed partial class ClaimDownload(
    DownloadTokens tokens, IBlobStore blobs, FileTransfer transfers, ActivityBoard activity, Settings settings, TimeProvider clock,
    ILogger<ClaimDownload> log) : IDisposable
{
    readonly SemaphoreSlim _places = new(settings.Downloads.MaxConcurrent);

    public int Running => settings.Downloads.MaxConcurrent - _places.CurrentCount;

    public async Task Handle(HttpContext context)
    {
        var request = context.Request;
        var isHead = HttpMethods.IsHead(request.Method);
        if (!isHead && !HttpMethods.IsGet(request.Method))
        {
            var wrong = Wire.MethodNotAllowed("GET, HEAD");
            activity.Count(ActivityKind.Download, wrong.Code);
            await Answer.Refuse(context, wrong);
            return;
        }

        TokenFacts? token = null;
        try
        {
            token = tokens.Find((string)request.RouteValues["token"]!);
            await Judge(context, token, isHead);
        }
        catch (StoreUnavailableException)
        {
            Note(context, Wire.Unavailable, token);
            throw;
        }
    }

    async Task Judge(HttpContext context, TokenFacts? token, bool isHead)
    {
        var client = ClientAddress.Of(context);
        if (TokenVerdict.Judge(token, client.ToString(), clock.GetUtcNow()) is { } refusal)
        {
            await Refuse(context, refusal, token);
            return;
        }

        // Opened before the claim: a file that is missing spends nothing.
        using var file = await blobs.Open(token!.File.BlobId, token.File.Size, context.RequestAborted);
        if (isHead) Describe(context.Response, token, ByteRange.Whole(token.File));
        else if (IsPreview(context.Request)) context.Response.StatusCode = StatusCodes.Status204NoContent;
        else await Deliver(context, token, client, file);
    }

    async Task Deliver(HttpContext context, TokenFacts token, ClientAddress client, IBlob file)
    {
        if (Part(context.Request, token) is not { } part)
        {
            context.Response.Headers.ContentRange = $"bytes */{token.File.Size}";
            await Refuse(context, Wire.RangeNotSatisfiable, token);
            return;
        }

        if (part.Length > token.Budget)
        {
            await Refuse(context, Wire.DownloadTokenOverBudget, token);
            return;
        }

        if (!_places.Wait(0, CancellationToken.None))
        {
            await Refuse(context, Wire.TooManyDownloads, token);
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(FileTransfer.OneGo);
        try
        {
            var transfer = new Transfer(
                token.Id, token.LicenseId, token.File.ProductId, client, RandomNumberGenerator.GetHexString(16, lowercase: true), part, token.HighWater, IsDelegated: false);
            var last = buffer.AsMemory(0, transfer.Last);
            await FileTransfer.ReadLast(file, transfer, last, context.RequestAborted);
            var now = clock.GetUtcNow();
            if (!await tokens.TryClaim(token, transfer, now))
            {
                // Somebody was quicker, or the license has just been suspended.
                var again = tokens.Find((string)context.Request.RouteValues["token"]!);
                await Refuse(context, TokenVerdict.Judge(again, client.ToString(), now) ?? Wire.DownloadTokenBusy, token);
                return;
            }

            if (!transfer.SpentByClaim) Claimed(token.Id, token.LicenseId, part.From, part.Length, client.ToString(), context.TraceIdentifier);
            Describe(context.Response, token, part);
            await transfers.Run(context, file, transfer, last);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _places.Release();
        }
    }

    Task Refuse(HttpContext context, Refusal refusal, TokenFacts? token)
    {
        Note(context, refusal, token);
        return Answer.Refuse(context, refusal, token?.LicenseId);
    }

    void Note(HttpContext context, Refusal refusal, TokenFacts? token) => activity.Note(new ActivityNote(
        ActivityKind.Download, refusal.Code, token?.LicenseId ?? 0, token?.File.ProductId ?? 0, "", ClientAddress.Of(context)));

    /// <summary>
    /// A transfer may start anywhere up to what was handed over, or where the client has proved, on a fresh link,
    /// that it holds a part of this very file. Else it gets the whole: a tail alone would use the link up.
    /// </summary>
    static ByteRange? Part(HttpRequest request, TokenFacts token)
    {
        var part = ByteRange.Of(request, token.File);
        var isMeant = token.ClaimedBy is null && request.Headers.IfRange.Count > 0;
        return part?.From > token.HighWater && !isMeant ? ByteRange.Whole(token.File) : part;
    }

    static void Describe(HttpResponse response, TokenFacts token, ByteRange part)
    {
        FileHeaders.Set(response, token.File);
        response.ContentLength = part.Length;
        response.StatusCode = part.IsWhole ? StatusCodes.Status200OK : StatusCodes.Status206PartialContent;
        if (!part.IsWhole) response.Headers.ContentRange = part.ContentRange;
    }

    /// <summary>A browser or chat program that looks ahead; it shall come back when a person asks.</summary>
    static bool IsPreview(HttpRequest request) =>
        Says(request.Headers["Sec-Purpose"]) || Says(request.Headers["Purpose"]) || Says(request.Headers["X-Purpose"]) || Says(request.Headers["X-Moz"]);

    static bool Says(Microsoft.Extensions.Primitives.StringValues purpose) =>
        purpose.Any(value => value is not null
            && (value.Contains("prefetch", StringComparison.OrdinalIgnoreCase) || value.Contains("preview", StringComparison.OrdinalIgnoreCase)
                || value.Contains("prerender", StringComparison.OrdinalIgnoreCase)));

    public void Dispose() => _places.Dispose();

    [LoggerMessage(40, LogLevel.Information, "Claimed download token {TokenId}: license {LicenseId}, from byte {From}, {Length} bytes, for {Address}, request {RequestId}")]
    partial void Claimed(long tokenId, long licenseId, long from, long length, string address, string requestId);
}
