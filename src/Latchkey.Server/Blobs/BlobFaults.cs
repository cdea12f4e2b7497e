using Latchkey.Server.Data;

namespace Latchkey.Server.Blobs;

/// <summary>Why something is not stored.</summary>
static class BlobFaults
{
    public static OperationException TooLarge(long maxLength, string why = "Uploads:MaxBytes") =>
        new($"The file is larger than {maxLength} bytes, which is the most that is taken ({why}).") { Fault = OperationFault.TooLarge, Code = "FILE_TOO_LARGE" };

    public static OperationException NoSpace(string sentence) => new(sentence) { Fault = OperationFault.NoSpace, Code = "NO_SPACE" };

    /// <summary>Why a blob could not be read, for an answer of 503.</summary>
    public static StoreUnavailableException Unavailable(string id, string place, IOException failure) => failure switch
    {
        DamagedBlobException => StoreUnavailableException.OfBlob(id, BlobHealth.Damaged, failure),
        S3Exception { Fault: var fault } => StoreUnavailableException.OfStore(place, fault, failure),
        _ => StoreUnavailableException.OfBlob(id, "cannot be read", failure),
    };
}
