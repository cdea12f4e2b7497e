using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Microsoft.Data.Sqlite;

namespace Latchkey.Server.Backups;

/// <param name="Files">Published files that were put back; those that were in the store already are not among them.</param>
/// <param name="Absent">Published files that the database refers to, and that are neither in the backup nor in the store.</param>
/// <param name="DeadLinks">Download links of the copy that had not been used: they are void.</param>
/// <param name="Unknown">Files in the store that the copy does not know: published after it was made.</param>
sealed record RestoredBackup(int Files, IReadOnlyList<MissingFile> Absent, long DeadLinks, IReadOnlyList<string> Unknown);

/// <summary>
/// Puts an installation back into an empty data directory, and into an empty PostgreSQL database where the settings name one.
/// All is made ready in a directory inside it, and moved into place at last, the database after everything else: what
/// fails leaves nothing, and what is killed, or fails while it fills PostgreSQL, leaves what the next one throws away.
/// </summary>
sealed class RestoreBackup(OpenBackup backup, Settings settings, TimeProvider clock)
{
    const string StagingName = ".restoring";
    const string LockName = "upgrade.lock";

    readonly string _data = Path.GetFullPath(settings.Data);

    // In its final place, and not yet an installation.
    readonly List<string> _placed = [];
    bool _isFilling;

    /// <summary>Told what is done, of how much, and of how much in all.</summary>
    public Action<string, long, long>? Progress { get; init; }

    string Staging => StagingOf(_data);

    /// <summary>Where all is made ready, in a data directory.</summary>
    public static string StagingOf(string data) => Path.Combine(data, StagingName);

    /// <summary>Looks before anything is read or written.</summary>
    /// <exception cref="OperationException">There is something already.</exception>
    public static void RequireEmpty(Settings settings)
    {
        var data = Path.GetFullPath(settings.Data);
        if (File.Exists(data)) throw new OperationException($"{data} is a file; a directory is needed.");
        if (Directory.Exists(data) && Directory.EnumerateFileSystemEntries(data).Except(Left(data)).Any(entry => Path.GetFileName(entry) is not LockName))
        {
            throw new OperationException($"{data} is not empty: stop the server if it runs there, move the directory away, or name another one with --data. Nothing was changed.");
        }

        if (!settings.Database.IsPostgreSql) return;
        using var database = new PostgreSqlDatabase(settings.Database.ConnectionString!, forCommand: true);
        PostgreSqlInstallation.RequireNone(database);
    }

    /// <summary>What an earlier one has left that did not come to its end.</summary>
    static string[] Left(string data) => Directory.Exists(StagingOf(data)) && !File.Exists(DataDirectory.DatabaseFile(data))
        ? [StagingOf(data), DataDirectory.SecretsDirectory(data), Path.Combine(data, "files")]
        : [];

    /// <exception cref="OperationException">It cannot be done.</exception>
    public async Task<RestoredBackup> Run(CancellationToken stop)
    {
        RequireEmpty(settings);
        var isOwn = !settings.Blobs.IsS3 && (settings.Blobs.Directory is not { } directory || Path.GetFullPath(directory) == Path.Combine(_data, "files"));

        // A store elsewhere cannot be put into place at last: what goes there was read to its end before.
        if (!isOwn) await backup.CheckFiles((done, all) => Progress?.Invoke("checked", done, all), stop);
        var isNew = !Directory.Exists(_data);
        Directory.CreateDirectory(_data);
        try
        {
            using var alone = ExclusiveLock.Take(Path.Combine(_data, LockName), TimeSpan.FromSeconds(1));
            foreach (var left in Left(_data).Reverse().Where(Directory.Exists)) Directory.Delete(left, recursive: true);
            Directory.CreateDirectory(Staging);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Staging, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var restored = await Stage(isOwn, stop);
            PutInPlace();
            if (settings.Database.IsPostgreSql) Move();
            Directory.Delete(Staging, recursive: true);
            Posix.GiveToOwnerOf(_data, Directory.EnumerateFileSystemEntries(_data, "*", SearchOption.AllDirectories));
            return restored;
        }
        catch when (!_isFilling)
        {
            Undo(isNew);
            throw;
        }
    }

    async Task<RestoredBackup> Stage(bool isOwn, CancellationToken stop)
    {
        await backup.WriteDatabase(DataDirectory.DatabaseFile(Staging), (done, all) => Progress?.Invoke("database", done, all), stop);
        await backup.WriteSecrets(DataDirectory.SecretsDirectory(Staging), stop);

        // Secrets and database belong together, and an older schema becomes that of this program.
        var staged = DataDirectory.Open(Staging, create: false, clock);
        using var secrets = staged.Secrets;
        using var database = staged.Database;
        var links = AfterRestore.Void(database, clock.GetUtcNow());
        var store = isOwn ? staged.Blobs : BlobStores.Of(settings.Blobs, _data, secrets);
        using var copy = (SqliteConnection)database.Open();
        var files = DatabaseCopy.Files(copy);
        var (count, absent) = await PutFiles(store, files, stop);
        var unknown = isOwn ? [] : await Unknown(store, files.Select(file => file.Blob.Id).ToHashSet(StringComparer.Ordinal), stop);
        Database.Execute(copy, "PRAGMA wal_checkpoint(TRUNCATE)");
        return new RestoredBackup(count, absent, links, unknown);
    }

    async Task<(int Count, IReadOnlyList<MissingFile> Absent)> PutFiles(IBlobStore store, IReadOnlyList<(StoredBlob Blob, string FileName)> files, CancellationToken stop)
    {
        var included = backup.Manifest.Files.ToDictionary(file => file.Sha256, StringComparer.Ordinal);
        var absent = new List<MissingFile>();
        long done = 0, all = files.Sum(file => file.Blob.Size);
        var count = 0;
        foreach (var (blob, fileName) in files)
        {
            if (included.TryGetValue(Convert.ToHexStringLower(blob.Sha256), out var file)) count += await PutFile(store, blob, file, stop) ? 1 : 0;
            else if (await BlobCheck.Fault(store, blob, stop) is { } fault) absent.Add(new MissingFile(blob.Id, fileName, fault));
            Progress?.Invoke("files", done += blob.Size, all);
        }

        return (count, absent);
    }

    async Task<bool> PutFile(IBlobStore store, StoredBlob blob, BackupFile file, CancellationToken stop)
    {
        if (await BlobCheck.Fault(store, blob, stop) is null) return false;
        var stored = await backup.Use(file, content => store.Add(content, long.MaxValue, null, blob.Id, stop), stop);
        if (stored.Size == blob.Size && stored.Sha256.AsSpan().SequenceEqual(blob.Sha256)) return true;
        await store.Delete(blob.Id);
        await backup.Check(file, Stream.Null, stop);
        throw new OperationException($"{file.Name} could not be put into {store.Place}.");
    }

    static async Task<IReadOnlyList<string>> Unknown(IBlobStore store, HashSet<string> known, CancellationToken stop)
    {
        var unknown = new List<string>();
        await foreach (var entry in store.All(stop))
        {
            if (BlobId.IsOurs(entry.Name) && !known.Contains(entry.Name)) unknown.Add(entry.Name);
        }

        return unknown;
    }

    /// <summary>What makes it an installation comes last.</summary>
    void PutInPlace()
    {
        File.Delete(Path.Combine(Staging, LockName));
        string[] toPostgreSql = settings.Database.IsPostgreSql ? [DataDirectory.DatabaseFile(Staging), DataDirectory.SecretsDirectory(Staging)] : [];
        foreach (var entry in Directory.EnumerateFileSystemEntries(Staging).Except(toPostgreSql).OrderBy(entry => entry == DataDirectory.DatabaseFile(Staging)).ToList())
        {
            var final = Path.Combine(_data, Path.GetFileName(entry));
            if (Directory.Exists(entry)) Directory.Move(entry, final);
            else File.Move(entry, final);
            _placed.Add(final);
            Posix.SyncDirectory(_data);
        }
    }

    /// <summary>Into PostgreSQL, as any installation moves there; each row is compared.</summary>
    void Move()
    {
        using var database = new PostgreSqlDatabase(settings.Database.ConnectionString!, forCommand: true);
        using var move = new MoveFromSqlite(Staging, database, settings) { Progress = Progress, IsRestore = true };
        _isFilling = true;
        move.Run();
    }

    void Undo(bool isNew)
    {
        foreach (var placed in _placed.AsEnumerable().Reverse())
        {
            if (Directory.Exists(placed)) Directory.Delete(placed, recursive: true);
            else File.Delete(placed);
        }

        if (Directory.Exists(Staging)) Directory.Delete(Staging, recursive: true);
        File.Delete(Path.Combine(_data, LockName));
        if (isNew && !Directory.EnumerateFileSystemEntries(_data).Any()) Directory.Delete(_data);
    }
}
