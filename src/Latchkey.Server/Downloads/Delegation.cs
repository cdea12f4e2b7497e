using System.Text.RegularExpressions;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Latchkey.Server.Products;
using Microsoft.AspNetCore.HttpOverrides;

namespace Latchkey.Server.Downloads;

/// <summary>
/// Leaves the sending to others, where the operator wants that: to the store, by a link that it honours for a minute, or to the
/// web server in front, by a header. The claim is made here all the same; how far the file gets, nobody tells.
/// </summary>
sealed partial class Delegation(IBlobStore blobs, Settings settings)
{
    static readonly TimeSpan LinkLifetime = TimeSpan.FromSeconds(60);

    readonly Delivery _delivery = settings.Blobs.Delivery;

    /// <summary>Who sends, for the metrics.</summary>
    public string Word => _delivery == Delivery.Redirect ? "redirect" : "accel";

    /// <summary>That a request came through the web server in front is ours to say, and no client's.</summary>
    public static Task OwnMarks(HttpContext context, RequestDelegate next)
    {
        context.Request.Headers.Remove(ForwardedHeadersDefaults.XOriginalForHeaderName);
        return next(context);
    }

    /// <summary>May others send this part? They read the client's <c>Range</c> by themselves, and must come to the same.</summary>
    public bool Takes(HttpRequest request, ByteRange part)
    {
        if (_delivery == Delivery.Stream) return false;

        // Who came past the web server in front would get its header, and no file.
        if (_delivery == Delivery.Accel && !request.Headers.ContainsKey(ForwardedHeadersDefaults.XOriginalForHeaderName)) return false;
        var headers = request.Headers;
        if (headers.IfMatch.Count + headers.IfNoneMatch.Count + headers.IfModifiedSince.Count + headers.IfUnmodifiedSince.Count > 0) return false;
        return headers.Range.Count == 0 || (headers.Range.Count == 1 && PlainRange().IsMatch(headers.Range.ToString()) && (!part.IsWhole || headers.IfRange.Count > 0));
    }

    /// <summary>What everybody reads in the same way; white space, other units and lists are not.</summary>
    [GeneratedRegex("^bytes=(?:[0-9]+-[0-9]*|-[0-9]+)\\z")]
    private static partial Regex PlainRange();

    /// <summary>Where the file can be had; for the web server in front, what it calls it.</summary>
    /// <param name="file">Which.</param>
    /// <param name="range">The client's own, which a link is signed for: it is worth that part alone; null for the whole.</param>
    /// <exception cref="IOException">The credentials for it are not to be had.</exception>
    public async Task<string> Address(Artifact file, string? range = null) => _delivery == Delivery.Redirect
        ? await ((S3BlobStore)blobs).LinkTo(file.BlobId, LinkLifetime, file.ContentType, FileHeaders.Disposition(file), range)
        : settings.Blobs.Accel.ValueOf(blobs.Place, FileBlobStore.NameOf(file.BlobId));

    /// <summary>Of the store's links, for a page that may lead there; null where nobody is redirected.</summary>
    public async ValueTask<string?> Origin(Artifact file) =>
        _delivery == Delivery.Redirect ? new Uri(await Address(file)).GetLeftPart(UriPartial.Authority) : null;

    public void Send(HttpResponse response, Artifact file, string address)
    {
        response.ContentLength = 0;
        if (_delivery == Delivery.Redirect)
        {
            response.StatusCode = StatusCodes.Status302Found;
            response.Headers.Location = address;
            return;
        }

        FileHeaders.Set(response, file);

        // It says so itself, and would do so twice.
        response.Headers.Remove("Accept-Ranges");
        response.Headers[settings.Blobs.Accel.Header] = address;
    }
}
