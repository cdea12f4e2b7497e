using Latchkey.Server.Data;

namespace Latchkey.Server.Blobs;

/// <summary>
/// Whose a directory of files is. The first installation that stores something there leaves its name in a file, and no
/// other may: each removes what its own releases do not refer to, and would remove the other's files.
/// </summary>
/// <param name="root">The directory.</param>
/// <param name="data">The data directory, absolute.</param>
/// <param name="installation">Letters and digits; the same for all servers of one installation, and for no other.</param>
sealed class FileBlobOwner(string root, string data, string installation)
{
    public const string FileName = "latchkey-installation";

    readonly string _parent = Path.GetDirectoryName(root) ?? root;

    string Marker => Path.Combine(root, FileName);

    public BlobOwner Look()
    {
        // What lies in a data directory is that installation's, unless it is ours that moved away from there.
        if (!File.Exists(Marker)) return _parent != data && File.Exists(DataDirectory.DatabaseFile(_parent)) ? BlobOwner.Another : BlobOwner.Unknown;
        return File.ReadAllText(Marker).Trim() == installation ? BlobOwner.Us : BlobOwner.Another;
    }

    /// <summary>Before something is stored.</summary>
    /// <exception cref="StoreUnavailableException">It is another's.</exception>
    public void Claim()
    {
        if (Look() == BlobOwner.Unknown) Mark();
        if (Look() == BlobOwner.Another) throw StoreUnavailableException.OfStore(root, "belongs to another installation of Latchkey: name another directory (Blobs:Directory)");
    }

    void Mark()
    {
        try
        {
            using var file = new StreamWriter(new FileStream(Marker, FileMode.CreateNew, FileAccess.Write, FileShare.Read));
            file.WriteLine(installation);
        }
        catch (IOException) when (File.Exists(Marker))
        {
            // Another was faster.
            return;
        }

        Posix.GiveToOwnerOf(_parent, root, Marker);
    }
}
