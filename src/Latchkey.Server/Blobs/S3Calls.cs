using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Latchkey.Server.Configuration;

namespace Latchkey.Server.Blobs;

/// <summary>The store did not do what it was asked for; the message says why, as <c>does not answer</c>.</summary>
sealed class S3Exception(string place, string fault, HttpStatusCode? status, Exception cause) : IOException($"The store {place} {fault}", cause)
{
    public string Fault => fault;
    public HttpStatusCode? Status => status;
}

/// <summary>Calls to an S3 API, each with an end: the SDK's own timeouts leave out its asynchronous calls.</summary>
sealed class S3Calls : IDisposable
{
    /// <summary>For an answer that a customer waits for.</summary>
    public static readonly TimeSpan Short = TimeSpan.FromSeconds(8);

    /// <summary>For what an operator waits for, a part of an upload at the most.</summary>
    public static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    readonly AmazonS3Client _quick;
    readonly AmazonS3Client _patient;

    /// <param name="settings">With a bucket.</param>
    public S3Calls(S3Settings settings)
    {
        Settings = settings;
        (_quick, _patient) = (Client(settings, retries: 1), Client(settings, retries: 3));
    }

    public S3Settings Settings { get; }
    public string Bucket => Settings.Bucket;

    /// <summary>For people.</summary>
    public string Place => $"s3://{Bucket}/{Settings.Prefix}";

    static AmazonS3Client Client(S3Settings settings, int retries)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = settings.PathStyle,
            MaxErrorRetry = retries,
            ConnectTimeout = TimeSpan.FromSeconds(2),
            Timeout = retries > 1 ? Long : 2 * Short,

            // Newer checksums are not understood by every store that speaks S3; the signature covers a body's SHA-256 anyway.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (settings.Endpoint is { } endpoint) (config.ServiceURL, config.AuthenticationRegion) = (endpoint.AbsoluteUri, settings.Region);
        else config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(settings.Region);
        return settings.AccessKey is null ? new AmazonS3Client(config) : new AmazonS3Client(new BasicAWSCredentials(settings.AccessKey, settings.SecretKey), config);
    }

    /// <summary>For a customer: one repetition, and little time.</summary>
    /// <exception cref="S3Exception">It was not done.</exception>
    public Task<T> Quickly<T>(Func<IAmazonS3, CancellationToken, Task<T>> call, CancellationToken stop) => Run(_quick, Short, call, stop);

    /// <summary>For a look at the store itself, the first call of a program perhaps.</summary>
    /// <exception cref="S3Exception">It was not done.</exception>
    public Task<T> Looking<T>(Func<IAmazonS3, CancellationToken, Task<T>> call, CancellationToken stop) => Run(_quick, 4 * Short, call, stop);

    /// <summary>For an operator: more repetitions, and time enough for a slow line.</summary>
    /// <exception cref="S3Exception">It was not done.</exception>
    public Task<T> Patiently<T>(Func<IAmazonS3, CancellationToken, Task<T>> call, CancellationToken stop) => Run(_patient, Long, call, stop);

    async Task<T> Run<T>(AmazonS3Client client, TimeSpan patience, Func<IAmazonS3, CancellationToken, Task<T>> call, CancellationToken stop)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(patience);
        try
        {
            return await call(client, limit.Token);
        }
        catch (Exception failure) when (!stop.IsCancellationRequested && FaultOf(failure) is { } fault)
        {
            throw new S3Exception(Place, fault, (failure as AmazonServiceException)?.StatusCode, failure);
        }
    }

    /// <returns>Null for what is no fault of the store. Never a key: the codes are the API's own.</returns>
    static string? FaultOf(Exception failure) => failure switch
    {
        AmazonServiceException { StatusCode: > 0 } service when (int)service.StatusCode < 500 => $"refuses: {service.ErrorCode ?? service.StatusCode.ToString()}",
        AmazonServiceException { StatusCode: > 0 } service => $"fails: {(int)service.StatusCode} {service.ErrorCode}".TrimEnd(),
        AmazonServiceException or HttpRequestException or OperationCanceledException or TimeoutException or IOException => "does not answer",
        AmazonClientException => "cannot be asked: no credentials were found, or they do not fit",
        _ => null,
    };

    public void Dispose()
    {
        _quick.Dispose();
        _patient.Dispose();
    }
}
