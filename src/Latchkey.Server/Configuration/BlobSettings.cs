namespace Latchkey.Server.Configuration;

/// <summary>Who sends the bytes of a download.</summary>
enum Delivery
{
    /// <summary>This server.</summary>
    Stream,

    /// <summary>The store, by a link that it honours for a minute.</summary>
    Redirect,

    /// <summary>The web server in front, from the same disk.</summary>
    Accel,
}

/// <param name="Endpoint">Null: Amazon's own, of the region.</param>
/// <param name="Region">What requests are signed for.</param>
/// <param name="Prefix">What the name of each object begins with; ends with a slash, or is empty.</param>
/// <param name="AccessKey">Null: the SDK's own chain (environment, shared file, role of the machine).</param>
/// <param name="PathStyle">The bucket is named in the path, not in the host.</param>
sealed record S3Settings(Uri? Endpoint, string Region, string Bucket, string Prefix, string? AccessKey, string? SecretKey, bool PathStyle);

/// <param name="Header"><c>X-Accel-Redirect</c> (nginx) or <c>X-Sendfile</c> (Apache).</param>
/// <param name="Prefix">What stands before <c>ab/abcd…</c> in the header; null is what that web server usually wants.</param>
sealed record AccelSettings(string Header, string? Prefix)
{
    public const string SendFile = "X-Sendfile";

    /// <param name="directory">Where the files lie, for a web server that is told their paths.</param>
    /// <param name="path">Of a file in it.</param>
    public string ValueOf(string directory, string path) => (Prefix ?? (Header == SendFile ? directory : "/latchkey-files")).TrimEnd('/') + "/" + path;
}

/// <summary>Where published files lie, and who sends them.</summary>
/// <param name="IsS3">In a bucket; else on disk.</param>
/// <param name="Directory">On disk: null is <c>files</c> in the data directory.</param>
sealed record BlobSettings(bool IsS3, string? Directory, S3Settings S3, Delivery Delivery, AccelSettings Accel)
{
    public static BlobSettings Read(SettingsReader from)
    {
        var isS3 = from.OneOf("Blobs:Store", "Disk", "Disk", "S3") == "S3";
        var directory = from.TextOrNull("Blobs:Directory");
        var delivery = Enum.Parse<Delivery>(from.OneOf("Blobs:Delivery", "Stream", Enum.GetNames<Delivery>()));
        var s3 = ReadS3(from, isS3);
        var accel = new AccelSettings(from.OneOf("Blobs:Accel:Header", "X-Accel-Redirect", "X-Accel-Redirect", AccelSettings.SendFile), from.TextOrNull("Blobs:Accel:Prefix"));
        if (delivery == Delivery.Redirect && !isS3) from.Add("Blobs:Delivery is \"Redirect\", which needs Blobs:Store=S3: a disk has no address to redirect to.");
        if (delivery == Delivery.Accel && isS3) from.Add("Blobs:Delivery is \"Accel\", which needs Blobs:Store=Disk: the web server in front sends files from its own disk. For S3 there is Redirect.");
        return new BlobSettings(isS3, directory, s3, delivery, accel);
    }

    static S3Settings ReadS3(SettingsReader from, bool isUsed)
    {
        var (endpoint, bucket) = (from.HttpUrl("Blobs:S3:Endpoint", "the http:// or https:// address of the store, as https://s3.example.com"), from.TextOrNull("Blobs:S3:Bucket"));
        var (access, secret) = (from.TextOrNull("Blobs:S3:AccessKey"), from.TextOrNull("Blobs:S3:SecretKey"));
        if (isUsed && bucket is null) from.Add("Blobs:S3:Bucket is missing: Blobs:Store=S3 needs the name of a bucket.");
        if (access is null != secret is null) from.Add("Blobs:S3:AccessKey and Blobs:S3:SecretKey go together: give both, or neither to use what the AWS SDK finds by itself.");
        var pathStyle = from.OneOf("Blobs:S3:PathStyle", "auto", "auto", "true", "false");
        return new S3Settings(
            endpoint, from.Text("Blobs:S3:Region", "us-east-1"), bucket ?? "", PrefixOf(from.Text("Blobs:S3:Prefix", "latchkey/")), access, secret,
            pathStyle == "auto" ? endpoint is not null : pathStyle == "true");
    }

    /// <summary>With one slash at its end and none at its beginning, which would make an unnamed folder.</summary>
    public static string PrefixOf(string text) => text.Trim('/') is { Length: > 0 } name ? name + "/" : "";
}
