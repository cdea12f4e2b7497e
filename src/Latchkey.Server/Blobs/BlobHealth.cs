using System.Collections.Concurrent;
using Latchkey.Server.Data;

namespace Latchkey.Server.Blobs;

/// <param name="Fault">As <c>is missing</c>, or of the store <c>does not answer</c>.</param>
/// <param name="Since">When it was first seen so.</param>
sealed record BlobFault(string Fault, DateTimeOffset Since);

/// <summary>What this process has seen of its store: whether it answers, and which files it could not get. For the overview.</summary>
sealed class BlobHealth(TimeProvider clock)
{
    public const string Missing = "is missing";
    public const string Damaged = "does not match its hash";

    readonly ConcurrentDictionary<string, BlobFault> _files = new(StringComparer.Ordinal);
    volatile BlobFault? _store;

    /// <summary>Null while it answers.</summary>
    public BlobFault? Store => _store;

    /// <summary>By the blob's id.</summary>
    public IReadOnlyDictionary<string, BlobFault> Files => _files;

    /// <param name="id">The file that was asked for.</param>
    /// <param name="failure">Why it was not had.</param>
    public void Failed(string id, StoreUnavailableException failure)
    {
        if (failure.StoreFault is { } down) Down(down);
        else if (failure.BlobFault is { } fault) Failed(id, fault);
    }

    public void Failed(string id, string fault) =>
        _files.AddOrUpdate(id, _ => new BlobFault(fault, clock.GetUtcNow()), (_, before) => before with { Fault = fault });

    public void Down(string fault) => _store = new BlobFault(fault, _store?.Since ?? clock.GetUtcNow());

    /// <summary>The store answers.</summary>
    public void Answers()
    {
        if (_store is not null) _store = null;
    }

    /// <summary>A file is there; that says nothing of what is in it.</summary>
    public void Opened(string id)
    {
        Answers();
        if (_files.TryGetValue(id, out var seen) && seen.Fault != Damaged) _files.TryRemove(id, out _);
    }

    /// <summary>A file was had whole, or is no more.</summary>
    public void Settled(string id)
    {
        if (_files.ContainsKey(id)) _files.TryRemove(id, out _);
    }
}
