using System.Security.Cryptography;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Microsoft.Data.Sqlite;

namespace Latchkey.Server.Data;

/// <summary>The data directory cannot be used; the message says why, and what to do.</summary>
sealed class DataDirectoryException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// Everything an installation keeps: <c>latchkey.db</c>, <c>secrets/</c>, and <c>files/</c> where they lie on disk. Opening looks
/// first and touches nothing until it knows that the directory is ours and can be used.
/// </summary>
sealed class DataDirectory
{
    DataDirectory(string path, Secrets secrets, Database database, BlobSettings? blobs, TimeProvider clock)
    {
        Path = path;
        Secrets = secrets;
        Database = database;
        Blobs = BlobStores.Of(blobs, path, secrets);
        BlobHealth = new BlobHealth(clock);
    }

    public string Path { get; }
    public Secrets Secrets { get; }
    public Database Database { get; }
    public IBlobStore Blobs { get; }
    public BlobHealth BlobHealth { get; }
    public RateLimits.LimitsHealth LimitsHealth { get; } = new();

    public static string DatabaseFile(string path) => System.IO.Path.Combine(path, "latchkey.db");
    public static string SecretsDirectory(string path) => System.IO.Path.Combine(path, "secrets");

    /// <param name="settings">Where it is, and where rows and files are kept.</param>
    /// <param name="create">Make what is not there yet; else what is missing is an error.</param>
    /// <param name="clock">When the installation was made.</param>
    /// <param name="forCommand">Where the database is busy, it is waited for longer than a request may wait.</param>
    /// <exception cref="DataDirectoryException">It cannot be used.</exception>
    public static DataDirectory Open(Settings settings, bool create, TimeProvider clock, bool forCommand = false)
    {
        if (!settings.Database.IsPostgreSql)
        {
            var directory = Open(settings.Data, create, clock, settings.Blobs);
            if (forCommand) ((SqliteDatabase)directory.Database).WaitAsCommand();
            return directory;
        }

        var path = System.IO.Path.GetFullPath(settings.Data);
        var database = new PostgreSqlDatabase(settings.Database.ConnectionString!, forCommand);
        var secrets = PostgreSqlInstallation.Open(database, settings, clock);
        if (create) Directory.CreateDirectory(path);

        // What a restore has left that broke off: from now on nothing here may be taken for its.
        if (Backups.RestoreBackup.StagingOf(path) is var left && Directory.Exists(left)) Directory.Delete(left, recursive: true);
        return new DataDirectory(path, secrets, database, settings.Blobs, clock);
    }

    /// <summary>With an embedded database.</summary>
    /// <param name="path">Any spelling; made absolute.</param>
    /// <param name="create">Make what is not there yet; else a missing directory is an error.</param>
    /// <param name="clock">When the installation was made.</param>
    /// <param name="blobs">Where published files lie; null is in the directory.</param>
    /// <exception cref="DataDirectoryException">It cannot be used.</exception>
    public static DataDirectory Open(string path, bool create, TimeProvider clock, BlobSettings? blobs = null)
    {
        path = System.IO.Path.GetFullPath(path);
        RequireSqlite(SqliteDatabase.LibraryVersion);
        try
        {
            var database = Ready(path, create, clock);
            return new DataDirectory(path, Secrets.Load(SecretsDirectory(path)), database, blobs, clock);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SqliteException)
        {
            var reason = (failure as SqliteException)?.Message ?? failure.Message;
            throw new DataDirectoryException($"The data directory {path} cannot be used: {reason}", failure);
        }
    }

    /// <summary>With the schema of this program.</summary>
    static SqliteDatabase Ready(string path, bool create, TimeProvider clock)
    {
        var existing = Inspect(path);
        if (existing == Schema.Missing && !create)
        {
            throw new DataDirectoryException(
                $"There is no Latchkey data in {path}: \"latchkey serve\" or \"latchkey product add\" makes it,"
                + " or name another directory with --data.");
        }

        var database = new SqliteDatabase(DatabaseFile(path));
        if (existing is Schema.Missing or Schema.Older) Prepare(path, clock);
        if (existing != Schema.Closed) return database;
        using var connection = database.OpenExisting();
        throw new DataDirectoryException(Migrator.ClosedBecause(connection)!);
    }

    /// <summary>An installation that its rows are to be moved out of.</summary>
    /// <param name="path">Its data directory.</param>
    /// <param name="gone">Why it is closed, if a move has come that far already; closed for anything else it cannot be moved.</param>
    /// <exception cref="DataDirectoryException">It is none, or cannot be used.</exception>
    public static void RequireComplete(string path, string gone)
    {
        try
        {
            Ready(path, create: false, TimeProvider.System).Dispose();
        }
        catch (DataDirectoryException closed) when (closed.Message == gone)
        {
            // It broke off between the last two statements.
        }
        catch (SqliteException failure)
        {
            throw new DataDirectoryException($"The data directory {path} cannot be used: {failure.Message}", failure);
        }
    }

    public static void RequireSqlite(Version version)
    {
        if (version >= SqliteDatabase.MinVersion) return;
        throw new DataDirectoryException(
            $"SQLite {version} is too old: {SqliteDatabase.MinVersion} or newer is needed, as shipped beside this program.");
    }

    /// <summary>Looks without a change to any file.</summary>
    public static Schema Inspect(string path)
    {
        if (File.Exists(path)) throw new DataDirectoryException($"{path} is a file; a directory is needed.");
        if (!Directory.Exists(path)) return Schema.Missing;
        var database = DatabaseFile(path);
        foreach (var place in new[] { path, database, SecretsDirectory(path) }.Where(System.IO.Path.Exists))
        {
            if (Posix.CanReadAndWrite(place)) continue;
            throw new DataDirectoryException($"This user may not read and write {place}: give it to the user that runs Latchkey (chown), or name another directory with --data.");
        }

        if (!File.Exists(database) || new FileInfo(database).Length == 0)
        {
            // A first start makes the database first, the secrets then, and ties them together last.
            var left = Secrets.Files(SecretsDirectory(path)).Append(database + "-wal").FirstOrDefault(file => new FileInfo(file) is { Exists: true, Length: > 0 });
            if (left is null) return Schema.Missing;
            throw new DataDirectoryException(
                $"The database {database} is missing beside {left}: put it back from your backup. To begin anew, move {path} away.");
        }

        var schema = Migrator.Inspect(database, out var check);
        if (check is null) return schema;
        using var secrets = Secrets.Load(SecretsDirectory(path));
        if (CryptographicOperations.FixedTimeEquals(check, secrets.Check())) return schema;
        throw new DataDirectoryException(
            $"The files in {SecretsDirectory(path)} are not the ones this database was made with: put the right ones back from your backup.");
    }

    /// <summary>Makes or upgrades what is there; one process at a time.</summary>
    static void Prepare(string path, TimeProvider clock)
    {
        if (!Directory.Exists(path) || !Directory.EnumerateFileSystemEntries(path).Any())
        {
            Directory.CreateDirectory(path);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        using var _ = ExclusiveLock.Take(System.IO.Path.Combine(path, "upgrade.lock"), TimeSpan.FromSeconds(60));
        if (Inspect(path) is Schema.Current or Schema.Closed) return;
        var database = new SqliteDatabase(DatabaseFile(path));
        Migrator.Upgrade(database, () =>
        {
            Secrets.Create(SecretsDirectory(path));
            using var made = Secrets.Load(SecretsDirectory(path));
            return made.Check();
        }, clock);
        using var secrets = Secrets.Load(SecretsDirectory(path));
        using var connection = database.OpenExisting();
        KeySuffixes.Fill(database, connection, secrets);
        Posix.GiveToOwnerOf(path, Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories));
    }
}
