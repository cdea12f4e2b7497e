using Latchkey.Server.Blobs;
using Latchkey.Server.Data;
using Microsoft.EntityFrameworkCore;

namespace Latchkey.Server.Products;

/// <summary>
/// Looks every minute whether the store answers and whether the next few files are there, so that the overview tells of
/// trouble before a customer does, and of its end.
/// </summary>
sealed partial class BlobWatch(Database database, IBlobStore store, BlobHealth health, TimeProvider clock, ILogger<BlobWatch> log) : PeriodicService(TimeSpan.FromMinutes(1), clock)
{
    const int AtOnce = 10;

    long _last;

    protected override async Task Do(CancellationToken stopping)
    {
        try
        {
            using var db = database.OpenContext();
            var files = Next(db);
            if (files.Count == 0) return;
            if (await store.Fault(stopping) is { } fault && !await IsThere(files[0], stopping))
            {
                if (health.Store is null) Down(store.Place, fault);
                health.Down(fault);
                return;
            }

            health.Answers();
            foreach (var file in files.Concat(Doubted(db)).DistinctBy(file => file.Id)) await Look(file, stopping);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // There is another minute.
            NotLooked(failure.Message);
            Failed();
        }
    }

    /// <summary>One after the other, and from the beginning again.</summary>
    List<StoredBlob> Next(LatchkeyDb db)
    {
        var files = db.Artifacts.AsNoTracking().Where(a => a.Id > _last).OrderBy(a => a.Id).Take(AtOnce).ToList();
        if (files.Count == 0 && _last > 0) files = db.Artifacts.AsNoTracking().OrderBy(a => a.Id).Take(AtOnce).ToList();
        _last = files.Count < AtOnce ? 0 : files[^1].Id;
        return files.ConvertAll(file => file.Stored());
    }

    /// <summary>What was not well the last time; what is deleted since is forgotten.</summary>
    List<StoredBlob> Doubted(LatchkeyDb db)
    {
        var ids = health.Files.Keys.ToList();
        var files = db.Artifacts.AsNoTracking().Where(a => ids.Contains(a.BlobId)).ToList();
        foreach (var gone in ids.Except(files.Select(file => file.BlobId))) health.Settled(gone);
        return files.ConvertAll(file => file.Stored());
    }

    /// <summary>A store that cannot be listed may well be read.</summary>
    async Task<bool> IsThere(StoredBlob file, CancellationToken stopping)
    {
        try
        {
            using var _ = await store.Open(file, stopping);
            return true;
        }
        catch (StoreUnavailableException)
        {
            return false;
        }
    }

    async Task Look(StoredBlob file, CancellationToken stopping)
    {
        try
        {
            using var _ = await store.Open(file, stopping);
            health.Opened(file.Id);
        }
        catch (StoreUnavailableException failure)
        {
            if (!health.Files.ContainsKey(file.Id)) Missing(failure.Message);
            health.Failed(file.Id, failure);
        }
    }

    [LoggerMessage(66, LogLevel.Error, "The store {Place} {Fault}: downloads are answered 503")]
    partial void Down(string place, string fault);

    [LoggerMessage(67, LogLevel.Error, "A file cannot be downloaded: {Reason}")]
    partial void Missing(string reason);

    [LoggerMessage(68, LogLevel.Warning, "It was not seen whether the store answers: {Reason}")]
    partial void NotLooked(string reason);
}
