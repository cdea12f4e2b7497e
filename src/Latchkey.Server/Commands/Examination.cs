using System.Globalization;
using System.Text.Json.Serialization;
using Latchkey.Server.Blobs;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Latchkey.Server.Products;
using Latchkey.Server.RateLimits;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using StackExchange.Redis;

namespace Latchkey.Server.Commands;

enum Health
{
    Ok,
    Warning,
    Fault,
}

sealed record Finding([property: JsonIgnore] Health Is, string What, string? ToDo)
{
    public string Status => Is switch { Health.Ok => "ok", Health.Warning => "warning", _ => "FAULT" };
}

/// <summary>What the doctor looks at, in the order in which one thing rests on another.</summary>
sealed class Examination
{
    readonly List<Finding> _findings = [];

    public IReadOnlyList<Finding> Findings => _findings;

    public async Task Run(Func<IConfiguration> sources)
    {
        if (ReadSettings(sources) is not { } settings) return;
        var path = Path.GetFullPath(settings.Data);
        if (OpenData(settings, path) is not { } data) return;
        if (Directory.Exists(path)) CheckDisk(path);
        await CheckRedis(settings.Redis);
        using var connection = data.Database.Open();
        if (connection is SqliteConnection file) CheckDatabase(file);
        using var db = data.Database.OpenContext(connection);
        CheckOwner(data.Blobs, db);
        if (await CheckStore(data.Blobs, db)) await CheckFiles(data.Blobs, db);
    }

    DataDirectory? OpenData(Settings settings, string path)
    {
        if (settings.Database.IsPostgreSql) return OpenShared(settings);
        if (!HasData(path)) return null;
        CheckPermissions(path);
        var data = DataDirectory.Open(settings, create: false, TimeProvider.System, forCommand: true);
        Ok($"the secrets in {DataDirectory.SecretsDirectory(path)} are those of this database");
        return data;
    }

    /// <summary>Whatever MigrateOnStart says, nothing is changed here.</summary>
    DataDirectory? OpenShared(Settings settings)
    {
        try
        {
            var data = DataDirectory.Open(settings with { Database = settings.Database with { MigrateOnStart = false } }, create: false, TimeProvider.System);
            Ok($"the database {data.Database.Place} ({data.Database.Version}) has a schema that this program can work with");
            Ok($"the secrets in {PostgreSqlInstallation.SecretsDirectory(settings)} are those of this database");
            return data;
        }
        catch (DataDirectoryException failure)
        {
            Add(Health.Fault, failure.Message, "see the sentence above; nothing was changed");
            return null;
        }
    }

    Settings? ReadSettings(Func<IConfiguration> sources)
    {
        try
        {
            var settings = Settings.Read(sources(), out var unknown);
            Ok("the settings are valid");
            foreach (var name in unknown) Add(Health.Warning, $"there is no setting {name}", "correct or remove it; docs/operations.md lists those there are");
            return settings;
        }
        catch (SettingsException wrong)
        {
            foreach (var fault in wrong.Faults) Add(Health.Fault, fault, "correct it");
            return null;
        }
    }

    bool HasData(string path)
    {
        try
        {
            DataDirectory.RequireSqlite(SqliteDatabase.LibraryVersion);
            Ok($"SQLite {SqliteDatabase.LibraryVersion}");
            switch (DataDirectory.Inspect(path))
            {
                case Schema.Current:
                    Ok($"the database {DataDirectory.DatabaseFile(path)} has the schema of this program");
                    return true;
                case Schema.Older:
                    Add(Health.Warning, "the database has an older schema", "back it up, then start \"latchkey serve\", which upgrades it");
                    return false;
                case Schema.Closed:
                    DataDirectory.Open(path, create: false, TimeProvider.System).Database.Dispose();
                    return false;
                default:
                    Add(Health.Fault, $"there is no Latchkey data in {path}", "start \"latchkey serve\", or name another directory with --data");
                    return false;
            }
        }
        catch (Exception failure) when (failure is DataDirectoryException or SqliteException or IOException or UnauthorizedAccessException)
        {
            Add(Health.Fault, failure.Message, "see the sentence above; nothing was changed");
            return false;
        }
    }

    void CheckPermissions(string path)
    {
        const UnixFileMode others = (UnixFileMode)0b_000_111_111;
        var open = Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories).Prepend(path)
            .Where(entry => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(entry) & others) != 0).ToList();
        if (open.Count == 0) Ok("nobody but its owner may read the data");
        else Add(Health.Warning, $"others may read {open[0]}{(open.Count > 1 ? $" and {open.Count - 1} more" : "")}", $"chmod -R go-rwx {path}");
    }

    void CheckDisk(string path)
    {
        var free = new DriveInfo(path).AvailableFreeSpace / (1024 * 1024);
        var text = string.Create(CultureInfo.InvariantCulture, $"{free:N0} MiB are free on the disk of {path}");
        if (free >= 512) Ok(text);
        else Add(free < 64 ? Health.Fault : Health.Warning, text, "make room: without it nothing can be minted or issued");
    }

    async Task CheckRedis(RedisSettings redis)
    {
        if (redis.Options is not { } options) return;
        try
        {
            await using var connection = await ConnectionMultiplexer.ConnectAsync(options);
            await connection.GetDatabase().StringSetAsync(redis.Prefix + "probe", 1, TimeSpan.FromMinutes(1));
            Ok("Redis counts limits over all nodes");
        }
        catch (Exception failure) when (RedisFault.Is(failure))
        {
            Add(Health.Warning, $"Redis is not there: {RedisFault.Of(failure, options)}", "correct Redis:ConnectionString, or see to Redis; until then each node counts limits for itself");
        }
    }

    void CheckDatabase(SqliteConnection connection)
    {
        var integrity = Database.Scalar<string>(connection, "PRAGMA integrity_check(1)");
        var dangling = Database.Scalar<string>(connection, "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1");
        if (integrity != "ok") Add(Health.Fault, $"the database is damaged: {integrity}", "restore it from your backup");
        else if (dangling is not null) Add(Health.Fault, $"the table {dangling} refers to rows that are gone", "restore the database from your backup");
        else Ok("the database is intact");
    }

    void CheckOwner(IBlobStore store, LatchkeyDb db)
    {
        var owner = store.Owner;
        if (owner == BlobOwner.Another) Add(Health.Fault, $"{store.Place} belongs to another installation of Latchkey", "name another directory (Blobs:Directory), and copy the files of this installation there: uploads are refused meanwhile");
        else if (owner == BlobOwner.Unknown && db.Artifacts.Any()) Add(Health.Warning, $"{store.Place} has no file {FileBlobOwner.FileName}, which says whose it is", "nothing: the next upload makes it; until then nothing is removed there");
    }

    /// <summary>A store that does not answer says nothing about its files.</summary>
    async Task<bool> CheckStore(IBlobStore store, LatchkeyDb db)
    {
        if (!db.Artifacts.Any() || await store.Fault() is not { } fault) return true;
        var first = db.Artifacts.AsNoTracking().OrderBy(a => a.Id).First();
        if (await BlobCheck.Fault(store, first.Stored()) is null)
        {
            Add(Health.Warning, $"the store {store.Place} {fault}", "allow it: downloads work, but what broken uploads leave behind is not removed");
            return true;
        }

        Add(Health.Fault, $"the store {store.Place} {fault}", "check the settings that begin with Blobs:, and whether this machine reaches it; downloads are answered 503 meanwhile");
        return false;
    }

    async Task CheckFiles(IBlobStore store, LatchkeyDb db)
    {
        var files = db.Artifacts.AsNoTracking().Join(db.Releases, a => a.ReleaseId, r => r.Id, (a, r) => new { File = a, r.Version, r.State }).ToList();
        var bad = 0;
        foreach (var row in files)
        {
            var file = row.File;
            if (await BlobCheck.Fault(store, file.Stored()) is not { } fault) continue;
            bad++;
            var what = $"{file.FileName} of release {row.Version}, product {file.ProductId}, {fault}";
            if (row.State == ReleaseState.Published) Add(Health.Fault, what, $"put the file {file.BlobId} back from your backup; or publish a newer version, and yank this one: latchkey release yank {file.ReleaseId}");
            else Add(Health.Warning, what, "nothing: the release is not published");
        }

        if (bad == 0) Ok($"{files.Count} stored file{(files.Count == 1 ? "" : "s")} in {store.Place} match{(files.Count == 1 ? "es its hash" : " their hashes")}");
        await CheckOrphans(store, files.Select(row => row.File.BlobId).ToHashSet(StringComparer.Ordinal));
    }

    async Task CheckOrphans(IBlobStore store, HashSet<string> known)
    {
        var orphans = 0;
        try
        {
            await foreach (var entry in store.All()) orphans += known.Contains(entry.Name) ? 0 : 1;
        }
        catch (IOException)
        {
            // That it cannot be listed was found before.
            return;
        }

        if (orphans > 0) Add(Health.Warning, $"{orphans} file{(orphans == 1 ? "" : "s")} in {store.Place} belong{(orphans == 1 ? "s" : "")} to no release", "nothing: an upload broke off, or is running; the server removes what is older than a day");
    }

    void Ok(string what) => Add(Health.Ok, what, null);

    void Add(Health health, string what, string? toDo) => _findings.Add(new Finding(health, what, toDo));
}
