using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Latchkey.Server.Configuration;
using Latchkey.Server.Data;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

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

    public void Run(Func<IConfiguration> sources)
    {
        if (ReadSettings(sources) is not { } settings) return;
        var path = Path.GetFullPath(settings.Data);
        if (!HasData(path)) return;
        CheckPermissions(path);
        var data = DataDirectory.Open(path, create: false, TimeProvider.System);
        Ok($"the secrets in {DataDirectory.SecretsDirectory(path)} are those of this database");
        CheckDisk(path);
        using var connection = data.Database.OpenExisting();
        CheckDatabase(connection);
        using var db = SqliteDatabase.OpenContext(connection);
        CheckFiles(data, db);
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

    void CheckDatabase(SqliteConnection connection)
    {
        var integrity = SqliteDatabase.Scalar<string>(connection, "PRAGMA integrity_check(1)");
        var dangling = SqliteDatabase.Scalar<string>(connection, "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1");
        if (integrity != "ok") Add(Health.Fault, $"the database is damaged: {integrity}", "restore it from your backup");
        else if (dangling is not null) Add(Health.Fault, $"the table {dangling} refers to rows that are gone", "restore the database from your backup");
        else Ok("the database is intact");
    }

    void CheckFiles(DataDirectory data, LatchkeyDb db)
    {
        var artifacts = db.Artifacts.AsNoTracking().ToList();
        var bad = 0;
        foreach (var file in artifacts)
        {
            if (Fault(data.Blobs.PathOf(file.BlobId), file.Size, file.Sha256) is not { } fault) continue;
            bad++;
            if (artifacts.Any(newer => newer.ProductId == file.ProductId && newer.Id > file.Id))
            {
                Add(Health.Warning, $"{file.FileName} of product {file.ProductId}, replaced since, {fault}", "nothing, unless a link to it is still out: then mint another");
                continue;
            }

            Add(Health.Fault, $"{file.FileName} of product {file.ProductId} {fault}", $"publish it again: latchkey product publish --product {file.ProductId} --file PATH --file-name {file.FileName}");
        }

        if (bad == 0) Ok($"{artifacts.Count} published file{(artifacts.Count == 1 ? " matches its hash" : "s match their hashes")}");
        var known = artifacts.Select(a => a.BlobId).ToHashSet(StringComparer.Ordinal);
        var orphans = data.Blobs.All().Count(id => !known.Contains(id));
        if (orphans > 0) Add(Health.Warning, $"{orphans} files in {data.Blobs.Root} belong to no product", "a publication was cut off, or is running; otherwise they can be deleted");
    }

    static string? Fault(string path, long size, byte[] sha256)
    {
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length != size) return $"has {stream.Length} bytes instead of {size}";
            return SHA256.HashData(stream).AsSpan().SequenceEqual(sha256) ? null : "does not match its hash";
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return "is missing";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return "cannot be read";
        }
    }

    void Ok(string what) => Add(Health.Ok, what, null);

    void Add(Health health, string what, string? toDo) => _findings.Add(new Finding(health, what, toDo));
}
