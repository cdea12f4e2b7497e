using System.Security.Cryptography;
using System.Text.Json;
using Latchkey.Server.Blobs;
using Latchkey.Server.Data;

namespace Latchkey.Server.Backups;

/// <summary>A backup whose manifest was found, and is as it was made. What is read from it is held against the manifest.</summary>
sealed class OpenBackup(IBackupPlace place, BackupManifest manifest, string name, BackupKey key)
{
    public BackupManifest Manifest => manifest;
    public string Name => name;
    public IBackupPlace Place => place;

    /// <param name="place">Where it lies.</param>
    /// <param name="at">How the time of the wanted one begins, as <c>2026-11-27T17</c>; null: the newest.</param>
    /// <param name="passphrase">Asked for once it is known that there is a backup.</param>
    /// <param name="stop">Ends it early.</param>
    /// <exception cref="OperationException">There is none, it is damaged, or the passphrase is wrong.</exception>
    public static async Task<OpenBackup> Find(IBackupPlace place, string? at, Func<string> passphrase, CancellationToken stop)
    {
        var names = await BackupList.Names(place, stop);
        if (names.Count == 0) throw new OperationException($"There is no backup in {place.Place}.");
        var wanted = Digits(at ?? "");
        var name = names.FirstOrDefault(one => Digits(one).StartsWith(wanted, StringComparison.Ordinal)) ?? throw new OperationException($"There is no backup of {at} in {place.Place}: \"latchkey backup list\" shows those there are.");
        var text = await place.Read(name, stop);
        BackupManifest.Read(text, name);
        var (manifest, key) = BackupManifest.Open(text, name, passphrase());
        if (!Migrator.Knows(manifest.Schema)) throw new OperationException($"{name} was made by a newer Latchkey (its database has the schema {manifest.Schema}): take that version or a newer one.");
        return new OpenBackup(place, manifest, name, key);
    }

    static string Digits(string text) => string.Concat(text.Where(char.IsAsciiDigit));

    /// <summary>Gives out a file as it lies there: whoever takes it holds it against its hash.</summary>
    /// <exception cref="OperationException">It is missing, or damaged as far as the place could tell.</exception>
    public Task<T> Use<T>(BackupFile file, Func<Stream, Task<T>> use, CancellationToken stop) => Held(file, async () =>
    {
        await using var content = await place.Open(file, stop);
        return await use(content);
    });

    /// <exception cref="OperationException">It is damaged, or missing.</exception>
    public Task Check(BackupFile file, Stream into, CancellationToken stop) => Held(file, async () =>
    {
        await using var content = await place.Open(file, stop);
        return await Copy.Hashed(content, into, stop) == (file.Size, file.Sha256) ? into : throw new DamagedBlobException(file.Name);
    });

    async Task<T> Held<T>(BackupFile file, Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception failure) when (failure is DamagedBlobException or CryptographicException or EndOfStreamException)
        {
            throw Fault(file, "is damaged");
        }
        catch (FileNotFoundException)
        {
            throw Fault(file, "is missing");
        }
    }

    OperationException Fault(BackupFile file, string fault) =>
        new($"{file.Name} of the backup of {manifest.MadeAt} in {place.Place} {fault}: restore from another one (\"latchkey backup list\" shows them). If the file is there and damaged, remove it: the next backup writes it anew.");

    async Task<byte[]> Unseal(string folder, BackupFile file, CancellationToken stop)
    {
        var content = new MemoryStream();
        await Check(file, content, stop);
        return await Held(file, () => Task.FromResult(key.Open(folder, content.GetBuffer().AsSpan(0, (int)content.Length))));
    }

    /// <summary>Puts the copy of the database together, and makes sure that it is whole.</summary>
    public async Task WriteDatabase(string path, Action<long, long>? progress, CancellationToken stop)
    {
        await using (var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None))
        {
            foreach (var piece in manifest.Database)
            {
                await stream.WriteAsync(await Unseal(BackupNames.Databases, piece, stop), stop);
                progress?.Invoke(stream.Position, manifest.DatabaseBytes);
            }

            stream.Flush(flushToDisk: true);
        }

        DatabaseCopy.RequireIntact(path, "PRAGMA integrity_check(1)", $"The database of the backup of {manifest.MadeAt} is damaged");
        using var copy = DatabaseCopy.Open(path);
        var rows = DatabaseCopy.Rows(copy);
        if (manifest.Rows.Count != rows.Count || manifest.Rows.Any(table => rows.GetValueOrDefault(table.Key, -1) != table.Value)) throw new OperationException($"The database of the backup of {manifest.MadeAt} has not the rows that its manifest lists.");
    }

    public async Task WriteSecrets(string directory, CancellationToken stop)
    {
        var secrets = JsonSerializer.Deserialize<Dictionary<string, string>>(await Unseal(BackupNames.Secrets, manifest.Secrets, stop))!;
        foreach (var file in Secrets.Files(directory)) Secrets.Write(file, secrets[Path.GetFileName(file)]);
        Posix.SyncDirectory(directory);
    }

    /// <summary>Reads every published file, and holds it against its hash.</summary>
    public async Task CheckFiles(Action<long, long>? progress, CancellationToken stop)
    {
        long done = 0, all = manifest.Files.Sum(file => file.Size);
        foreach (var file in manifest.Files)
        {
            await Check(file, Stream.Null, stop);
            progress?.Invoke(done += file.Size, all);
        }
    }
}
