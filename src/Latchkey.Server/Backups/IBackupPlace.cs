namespace Latchkey.Server.Backups;

/// <summary>Where backups lie: a directory or a bucket, which hold many, or one file, which holds one.</summary>
interface IBackupPlace : IDisposable
{
    /// <summary>For people.</summary>
    string Place { get; }

    /// <summary>Makes it ready to be written to.</summary>
    /// <exception cref="Data.OperationException">It is something else's.</exception>
    Task Begin(CancellationToken stop);

    /// <returns>Names as <c>blobs/ab/abcd…</c>, with their sizes.</returns>
    /// <param name="folder">As <c>blobs</c>.</param>
    /// <param name="stop">Ends it early.</param>
    Task<IReadOnlyDictionary<string, long>> All(string folder, CancellationToken stop);

    /// <summary>All of it, or nothing; it is on disk when this returns, but for a file, which is when it ends.</summary>
    /// <exception cref="Blobs.DamagedBlobException">What came has not that hash: nothing is there.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    Task Put(BackupFile file, Stream content, CancellationToken stop);

    /// <summary>A small file, whole; of a manifest nothing is known beforehand.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    Task<byte[]> Read(string name, CancellationToken stop);

    /// <exception cref="FileNotFoundException">It is not there.</exception>
    Task<Stream> Open(BackupFile file, CancellationToken stop);

    Task Delete(string name);

    /// <summary>Nothing follows.</summary>
    Task End();
}
