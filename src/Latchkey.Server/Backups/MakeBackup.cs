using System.Text.Json;
using Latchkey.Server.Admin.Status;
using Latchkey.Server.Blobs;
using Latchkey.Server.Data;
using Latchkey.Server.Http;
using Microsoft.Data.Sqlite;

namespace Latchkey.Server.Backups;

/// <param name="Manifest">What the backup consists of.</param>
/// <param name="Name">Of its manifest.</param>
/// <param name="CopiedBytes">That were not there yet.</param>
/// <param name="CopiedFiles">Published files that were not there yet.</param>
/// <param name="IsNewKey">There are earlier backups, and they have another passphrase.</param>
sealed record MadeBackup(BackupManifest Manifest, string Name, long CopiedBytes, int CopiedFiles, bool IsNewKey);

/// <summary>
/// Copies an installation that is in use: its database as it is at one moment, then the files that this copy refers to,
/// its secrets, and at last a manifest of all that. What lies there from earlier backups is not written again.
/// </summary>
/// <param name="data">The installation.</param>
/// <param name="secretsDirectory">Where its secrets are.</param>
/// <param name="hasFiles">Published files are included, and not only referred to.</param>
/// <param name="clock">Of this node.</param>
sealed class MakeBackup(DataDirectory data, string secretsDirectory, bool hasFiles, TimeProvider clock)
{
    /// <summary>Of the database: what did not change in between is not written again.</summary>
    const int Piece = 4 << 20;

    readonly Dictionary<string, BackupFile> _files = new(StringComparer.Ordinal);
    readonly List<MissingFile> _missing = [];
    readonly Dictionary<string, long> _there = new(StringComparer.Ordinal);
    long _copiedBytes;
    int _copiedFiles;

    /// <summary>Told what is done, of how much, and of how much in all.</summary>
    public Action<string, long, long>? Progress { get; init; }

    /// <exception cref="OperationException">It cannot be made.</exception>
    /// <exception cref="IOException">It cannot be written, or the store of files cannot be read.</exception>
    public async Task<MadeBackup> Run(IBackupPlace to, string passphrase, CancellationToken stop)
    {
        await to.Begin(stop);
        StagingDirectory.Sweep(data.Path);
        var earlier = await BackupList.Of(to, stop);
        var (key, isNewKey) = KeyFor(to, earlier, passphrase);
        foreach (var folder in BackupNames.Contents)
        {
            foreach (var entry in await to.All(folder, stop)) _there[entry.Key] = entry.Value;
        }

        using var staging = new StagingDirectory(data.Path);
        var file = Path.Combine(staging.Path, "latchkey.db");
        var at = clock.GetUtcNow();
        DatabaseCopy.Make(data.Database, file, (done, all) => Progress?.Invoke("rows", done, all), clock);
        using var copy = DatabaseCopy.Open(file);
        if (hasFiles) await PutFiles(to, copy, stop);
        var (rows, schema) = (DatabaseCopy.Rows(copy), DatabaseCopy.SchemaOf(copy));
        copy.Close();
        var database = await PutDatabase(to, key, file, stop);
        var secrets = await PutSealed(to, key, BackupNames.Secrets, SecretsText(), stop);
        var manifest = new BackupManifest(
            BackupManifest.CurrentFormat, Wire.Micros(at), ServerStatus.Version, schema, data.Database.Version, BlobStores.NameOf(data.Secrets), data.Blobs.Place, hasFiles,
            new FileInfo(file).Length, rows, key.Facts, database, secrets, [.. _files.Values], _missing, "");
        var (name, text) = (BackupNames.OfManifest(at, earlier is [var newest, ..] ? newest.Name : null), manifest.Sign(key));
        await to.Put(new BackupFile(name, text.Length, Copy.HashOf(text)), new MemoryStream(text), stop);
        await to.End();
        return new MadeBackup(manifest, name, _copiedBytes, _copiedFiles, isNewKey);
    }

    /// <summary>That of the last backup, so that what is there can be used again; a new one where the passphrase is new.</summary>
    (BackupKey Key, bool IsNew) KeyFor(IBackupPlace to, IReadOnlyList<ListedBackup> earlier, string passphrase)
    {
        var own = BlobStores.NameOf(data.Secrets);
        if (earlier.FirstOrDefault(entry => entry.Manifest is { } manifest && manifest.Installation != own) is not null) throw new OperationException($"{to.Place} holds backups of another installation: name another place.");
        foreach (var manifest in earlier.Select(entry => entry.Manifest).OfType<BackupManifest>().DistinctBy(manifest => manifest.Key.Salt).Take(3))
        {
            if (BackupKey.Of(passphrase, manifest.Key) is { } key) return (key, false);
        }

        return (BackupKey.New(passphrase), earlier.Count > 0);
    }

    async Task PutFiles(IBackupPlace to, SqliteConnection copy, CancellationToken stop)
    {
        var files = DatabaseCopy.Files(copy);
        long done = 0, all = files.Sum(file => file.Blob.Size);
        foreach (var (blob, fileName) in files)
        {
            await PutFile(to, blob, fileName, stop);
            done += blob.Size;
            Progress?.Invoke("files", done, all);
        }
    }

    async Task PutFile(IBackupPlace to, StoredBlob blob, string fileName, CancellationToken stop)
    {
        var hash = Convert.ToHexStringLower(blob.Sha256);
        var file = new BackupFile(BackupNames.Of(BackupNames.Blobs, hash), blob.Size, hash);
        try
        {
            if (!IsThere(file))
            {
                using var content = await data.Blobs.Open(blob, stop);
                await to.Put(file, new BlobStream(content), stop);
                Copied(file);
                _copiedFiles++;
            }

            _files[file.Name] = file;
        }
        catch (DamagedBlobException)
        {
            Miss(blob, fileName, BlobHealth.Damaged);
        }
        catch (StoreUnavailableException failure) when (failure.BlobFault is { } fault)
        {
            Miss(blob, fileName, fault);
        }
    }

    /// <summary>What was deleted since the copy was made is missed by nobody.</summary>
    void Miss(StoredBlob blob, string fileName, string fault)
    {
        using var db = data.Database.OpenContext();
        if (db.Artifacts.Any(artifact => artifact.BlobId == blob.Id)) _missing.Add(new MissingFile(blob.Id, fileName, fault));
    }

    bool IsThere(BackupFile file) => _there.TryGetValue(file.Name, out var size) && size == file.Size;

    void Copied(BackupFile file)
    {
        _there[file.Name] = file.Size;
        _copiedBytes += file.Size;
    }

    async Task<List<BackupFile>> PutDatabase(IBackupPlace to, BackupKey key, string file, CancellationToken stop)
    {
        var pieces = new List<BackupFile>();
        await using var stream = File.OpenRead(file);
        var buffer = new byte[Piece];
        for (int read; (read = await stream.ReadAtLeastAsync(buffer, Piece, throwOnEndOfStream: false, stop)) > 0;)
        {
            pieces.Add(await PutSealed(to, key, BackupNames.Databases, buffer.AsMemory(0, read), stop));
            Progress?.Invoke("database", stream.Position, stream.Length);
        }

        return pieces;
    }

    async Task<BackupFile> PutSealed(IBackupPlace to, BackupKey key, string folder, ReadOnlyMemory<byte> text, CancellationToken stop)
    {
        var (name, content) = key.Seal(folder, text.Span);
        var file = new BackupFile(name, content.Length, Copy.HashOf(content));
        if (IsThere(file)) return file;
        await to.Put(file, new MemoryStream(content, writable: false), stop);
        Copied(file);
        return file;
    }

    byte[] SecretsText() => JsonSerializer.SerializeToUtf8Bytes(Secrets.Files(secretsDirectory).ToDictionary(file => Path.GetFileName(file), File.ReadAllText));
}
