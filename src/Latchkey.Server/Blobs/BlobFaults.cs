using Latchkey.Server.Data;

namespace Latchkey.Server.Blobs;

/// <summary>Why something is not stored.</summary>
static class BlobFaults
{
    public static OperationException TooLarge(long maxLength) =>
        new($"The file is larger than {maxLength} bytes, which is the most that is taken (Uploads:MaxBytes).") { Fault = OperationFault.TooLarge, Code = "FILE_TOO_LARGE" };

    public static OperationException NoSpace(string sentence) => new(sentence) { Fault = OperationFault.NoSpace, Code = "NO_SPACE" };
}
